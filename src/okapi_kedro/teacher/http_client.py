"""How the SDK's requests reach an endpoint: by aiohttp, without the layers of httpx2 between them."""

from functools import lru_cache
from typing import Any
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx2
import openai

MOST_CONNECTIONS = 10_000
"""Whoever asks decides how many requests are in flight; the transport is not to hold them back."""


class HttpClient(openai.DefaultAioHttpClient):
    """The SDK's client for aiohttp, with a third less CPU time for all that asking takes.

    Streams, files and queries go the SDK's own way.

    Args:
        timeout: seconds without a byte before a request is given up; half of them to connect, so that a host that
            cannot be reached is told from an answer that is late, and perhaps charged.
    """

    def __init__(self, timeout: float) -> None:
        # It reads None as a hundred connections.
        super().__init__(limits=httpx2.Limits(max_connections=MOST_CONNECTIONS), timeout=timeout)
        self._patience = aiohttp.ClientTimeout(total=None, sock_connect=timeout / 2, sock_read=timeout)
        self._session: aiohttp.ClientSession | None = None

    def build_request(
        self, method: str, url: httpx2.URL | str, *, content: Any = None, params: Any = None, **parts: Any
    ) -> httpx2.Request:
        """The request as the SDK describes it, which names all its headers, so that nothing is merged in."""
        if not isinstance(content, bytes) or params:
            return super().build_request(method, url, content=content, params=params, **parts)
        return httpx2.Request(method, _parsed(str(url)), headers=parts["headers"], stream=httpx2.ByteStream(content))

    async def send(self, request: httpx2.Request, *, stream: bool = False, **options: Any) -> httpx2.Response:
        """Sends a request once.

        Raises:
            httpx2.ConnectError: when it was not sent.
            httpx2.ReadTimeout, httpx2.ReadError: when it may have been sent, and the answer did not come.
        """
        if stream or not isinstance(request.stream, httpx2.ByteStream):
            response: httpx2.Response = await super().send(request, stream=stream, **options)
            return response
        try:
            async with self._connected(request.url).request(
                request.method,
                str(request.url),
                headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw],
                data=b"".join(request.stream) or None,
            ) as answer:
                content = await answer.read()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            raise httpx2.ConnectError(str(error), request=request) from error
        except aiohttp.ServerTimeoutError as error:
            raise httpx2.ReadTimeout(str(error), request=request) from error
        except aiohttp.ClientError as error:
            raise httpx2.ReadError(str(error) or type(error).__name__, request=request) from error
        return httpx2.Response(answer.status, headers=answer.raw_headers, content=content, request=request)

    async def aclose(self) -> None:
        """Ends all connections."""
        if self._session is not None:
            await self._session.close()
        await super().aclose()

    def _connected(self, url: httpx2.URL) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=MOST_CONNECTIONS, ssl=httpx2.create_ssl_context())
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=self._patience,
                # With trust_env it would look for a proxy in another thread, for every request.
                proxy=_proxy(url),
                # The response of httpx2 does that.
                auto_decompress=False,
            )
        return self._session


def _proxy(url: httpx2.URL) -> str | None:
    """The proxy that the environment names for an address."""
    return None if proxy_bypass(url.host) else getproxies().get(url.scheme)


@lru_cache(16)
def _parsed(url: str) -> httpx2.URL:
    return httpx2.URL(url)
