"""Tax ids: 80 formats in Stripe's words, checked by `python-stdnum` where it knows them, by their shape elsewhere.

A check is offline: it says that a number is well-formed, checksum included, not that it is registered.
"""

import re
from collections.abc import Callable, Mapping
from importlib import import_module

import eu_vat_rates_data
from stdnum.exceptions import ValidationError

from tax.calculation import TaxId

Check = Callable[[str, str], str | None]
"""(what was typed, country) → the compact number, or None when it is not one."""


class TaxIdInvalid(Exception):
    """What was typed is no tax id of the country, or the country is not known to have any."""


def tax_id_of(typed: str, country: str | None) -> TaxId:
    """The tax id that a buyer in `country` (ISO 3166-1 alpha-2) typed, in the first of its formats that fits.

    Raises `TaxIdInvalid`.
    """
    if not country:
        raise TaxIdInvalid("The country is needed to check a tax id")
    formats = formats_of(country)
    if not formats:
        raise TaxIdInvalid(f"Tax ids of {country} are not supported")
    for name in formats:
        value = _CHECKS[name](typed.strip(), country)
        if value is not None:
            return TaxId(value, name)
    raise TaxIdInvalid(f"is no valid tax id of {country}: expected {' or '.join(formats)}")


def formats_of(country: str) -> tuple[str, ...]:
    """The formats that a country has; the first that fits counts."""
    if eu_vat_rates_data.is_eu_member(country):
        return ("eu_vat", *_BESIDE.get(country, ()))
    return _FORMATS.get(country, ())


def _stdnum(module: str) -> Check:
    def check(typed: str, country: str) -> str | None:
        try:
            return str(import_module(f"stdnum.{module}").validate(typed))
        except ValidationError:
            return None

    return check


def _shape(pattern: str, prefix: str = "") -> Check:
    compiled = re.compile(pattern)

    def check(typed: str, country: str) -> str | None:
        compact = re.sub(r"[\s.\-/]", "", typed).upper()
        if prefix and compact.startswith(prefix) and not compiled.fullmatch(compact):
            compact = compact.removeprefix(prefix)
        return compact if compiled.fullmatch(compact) else None

    return check


def _eu_vat(typed: str, country: str) -> str | None:
    """With the prefix of the member state, as VIES takes it; it must be the buyer's own."""
    prefix = {"GR": "EL", "MC": "FR", "GP": "FR", "MQ": "FR", "RE": "FR"}.get(country, country)
    compact = re.sub(r"[\s.\-/]", "", typed).upper()
    if country == "GR" and compact.startswith("GR"):
        compact = "EL" + compact[2:]
    if not compact.startswith(prefix):
        compact = prefix + compact
    try:
        return str(import_module("stdnum.eu.vat").validate(compact))
    except ValidationError:
        return None


def _gb_vat(typed: str, country: str) -> str | None:
    """Also of Northern Ireland, whose traders have the prefix XI."""
    compact = re.sub(r"[\s.\-/]", "", typed).upper()
    number = compact[2:] if compact.startswith(("GB", "XI")) else compact
    checked = _stdnum("gb.vat")(number, country)
    return None if checked is None else f"{compact[:2] if compact.startswith('XI') else 'GB'}{checked}"


def _ca_gst_hst(typed: str, country: str) -> str | None:
    compact = re.sub(r"[\s.\-/]", "", typed).upper()
    return _stdnum("ca.bn")(compact, country) if len(compact) == 15 and compact[9:11] == "RT" else None


def _ca_bn(typed: str, country: str) -> str | None:
    compact = re.sub(r"[\s.\-/]", "", typed).upper()
    return _stdnum("ca.bn")(compact, country) if len(compact) == 9 else None


def _jp_trn(typed: str, country: str) -> str | None:
    """T and 13 digits; of companies they are the corporate number, of persons they have another check."""
    return _shape(r"T\d{13}")(typed, country)


def _tw_vat(typed: str, country: str) -> str | None:
    """Since April 2023 sums that divide by 5 are issued too (Ministry of Finance, Taiwan); stdnum knows 10 only."""
    ubn = import_module("stdnum.tw.ubn")
    compact = str(ubn.compact(typed))
    if not re.fullmatch(r"\d{8}", compact):
        return None
    total = sum(
        sum(divmod(int(digit) * weight, 10)) for digit, weight in zip(compact, (1, 2, 1, 2, 1, 2, 4, 1), strict=True)
    )
    return compact if total % 5 == 0 or (compact[6] == "7" and (total + 1) % 5 == 0) else None


_CHECKS: Mapping[str, Check] = {
    "ad_nrt": _stdnum("ad.nrt"),
    "ae_trn": _shape(r"\d{15}"),
    "al_tin": _stdnum("al.nipt"),
    "ar_cuit": _stdnum("ar.cuit"),
    "au_abn": _stdnum("au.abn"),
    "au_arn": _shape(r"\d{12}"),
    "bg_uic": _stdnum("bg.vat"),
    "bh_vat": _shape(r"\d{15}"),
    "bo_tin": _shape(r"\d{7,12}"),
    "br_cnpj": _stdnum("br.cnpj"),
    "br_cpf": _stdnum("br.cpf"),
    "by_tin": _stdnum("by.unp"),
    "ca_bn": _ca_bn,
    "ca_gst_hst": _ca_gst_hst,
    "ca_pst_bc": _shape(r"PST\d{8}"),
    "ca_pst_mb": _shape(r"\d{7}"),
    "ca_pst_sk": _shape(r"\d{7}"),
    "ca_qst": _shape(r"\d{10}TQ\d{4}"),
    "ch_uid": _stdnum("ch.uid"),
    "ch_vat": _stdnum("ch.vat"),
    "cl_tin": _stdnum("cl.rut"),
    "cn_tin": _stdnum("cn.uscc"),
    "co_nit": _stdnum("co.nit"),
    "cr_tin": _stdnum("cr.cpj"),
    "de_stn": _stdnum("de.stnr"),
    "do_rcn": _stdnum("do.rnc"),
    "ec_ruc": _stdnum("ec.ruc"),
    "eg_tin": _stdnum("eg.tn"),
    "es_cif": _stdnum("es.nif"),
    "eu_vat": _eu_vat,
    "gb_vat": _gb_vat,
    "ge_vat": _shape(r"\d{9}|\d{11}", "GE"),
    "gn_nif": _stdnum("gn.nifp"),
    "hk_br": _shape(r"\d{8}"),
    "hr_oib": _stdnum("hr.oib"),
    "hu_tin": _stdnum("hu.anum"),
    "id_npwp": _stdnum("id.npwp"),
    "il_vat": _stdnum("il.idnr"),
    "in_gst": _stdnum("in_.gstin"),
    "is_vat": _stdnum("is_.vsk"),
    "jp_cn": _stdnum("jp.cn"),
    "jp_rn": _shape(r"\d{5}"),
    "jp_trn": _jp_trn,
    "ke_pin": _stdnum("ke.pin"),
    "kr_brn": _stdnum("kr.brn"),
    "kz_bin": _shape(r"\d{12}"),
    "li_uid": _stdnum("ch.uid"),
    "li_vat": _shape(r"\d{5}"),
    "ma_vat": _stdnum("ma.ice"),
    "md_vat": _stdnum("md.idno"),
    "me_pib": _stdnum("me.pib"),
    "mk_vat": _stdnum("mk.edb"),
    "mx_rfc": _stdnum("mx.rfc"),
    "my_itn": _shape(r"[A-Z]{1,2}\d{8,11}"),
    "my_sst": _shape(r"[A-Z]\d{2}\d{4}\d{8}"),
    "my_frp": _shape(r"\d{8}"),
    "ng_tin": _shape(r"\d{12}"),
    "no_vat": _stdnum("no.mva"),
    "no_voec": _shape(r"\d{7}"),
    "nz_gst": _stdnum("nz.ird"),
    "om_vat": _shape(r"OM\d{10}"),
    "pe_ruc": _stdnum("pe.ruc"),
    "ph_tin": _shape(r"\d{12}|\d{9}"),
    "ro_tin": _stdnum("ro.cf"),
    "rs_pib": _stdnum("rs.pib"),
    "ru_inn": _stdnum("ru.inn"),
    "ru_kpp": _shape(r"\d{4}[0-9A-Z]{2}\d{3}"),
    "sa_vat": _shape(r"3\d{13}3"),
    "sg_gst": _shape(r"M\d{8}[A-Z]|M[A-Z0-9]\d{7}[A-Z0-9]"),
    "sg_uen": _stdnum("sg.uen"),
    "si_tin": _stdnum("si.ddv"),
    "sv_nit": _stdnum("sv.nit"),
    "th_vat": _stdnum("th.tin"),
    "tr_tin": _stdnum("tr.vkn"),
    "tw_vat": _tw_vat,
    "ua_vat": _shape(r"\d{12}|\d{10}"),
    "us_ein": _stdnum("us.ein"),
    "uy_ruc": _stdnum("uy.rut"),
    "ve_rif": _stdnum("ve.rif"),
    "vn_tin": _stdnum("vn.mst"),
    "za_vat": _shape(r"4\d{9}"),
}

_BESIDE: Mapping[str, tuple[str, ...]] = {
    "BG": ("bg_uic",),
    "DE": ("de_stn",),
    "ES": ("es_cif",),
    "HR": ("hr_oib",),
    "HU": ("hu_tin",),
    "RO": ("ro_tin",),
    "SI": ("si_tin",),
}
"""National ids of member states beside the VAT id; with these no reverse charge."""

_FORMATS: Mapping[str, tuple[str, ...]] = {
    "AU": ("au_abn", "au_arn"),
    "BR": ("br_cnpj", "br_cpf"),
    "CA": ("ca_gst_hst", "ca_qst", "ca_pst_bc", "ca_pst_mb", "ca_pst_sk", "ca_bn"),
    "CH": ("ch_vat", "ch_uid"),
    "JP": ("jp_trn", "jp_cn", "jp_rn"),
    "LI": ("ch_vat", "li_uid", "li_vat"),
    "MC": ("eu_vat",),
    "GP": ("eu_vat",),
    "MQ": ("eu_vat",),
    "RE": ("eu_vat",),
    "IM": ("gb_vat",),
    "MY": ("my_sst", "my_itn", "my_frp"),
    "NO": ("no_vat", "no_voec"),
    "RU": ("ru_inn", "ru_kpp"),
    "SG": ("sg_gst", "sg_uen"),
    **{
        name[:2].upper(): (name,)
        for name in _CHECKS
        if name[:2] not in {"au", "br", "ca", "ch", "jp", "li", "my", "no", "ru", "sg", "eu"}
    },
}
