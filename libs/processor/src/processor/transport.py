"""How requests reach Stripe."""

import ssl
from collections.abc import Mapping
from typing import Any, cast

import aiohttp
import stripe


class Transport(stripe.AIOHTTPClient):
    """The library's own over aiohttp, which costs a quarter of httpx's processor time for each request.

    What goes wrong while an answer is read is a lost connection here, as it is before that. Proxies of the environment
    are used.
    """

    def __init__(self, timeout: aiohttp.ClientTimeout) -> None:
        patience: Any = timeout
        super().__init__(timeout=patience)
        self._opened: aiohttp.ClientSession | None = None

    @property
    def _session(self) -> aiohttp.ClientSession:
        if self._opened is None:
            trusted = ssl.create_default_context(cafile=stripe.ca_bundle_path)
            self._opened = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusted), trust_env=True)
        return self._opened

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Raises `stripe.APIConnectionError`, which the library tries again."""
        try:
            return await super().request_async(method, url, headers, post_data)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise self._lost(error) from error

    @staticmethod
    def _lost(error: BaseException) -> stripe.APIConnectionError:
        lost: Any = stripe.APIConnectionError
        return cast(stripe.APIConnectionError, lost(f"{type(error).__name__} while reading", should_retry=True))
