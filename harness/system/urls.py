"""URLs of folders: what is one, and how it is shown without the secrets that it may hold."""

import re
from urllib.parse import unquote

from harness.system.text import excerpt

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(?:::|://)")
_HIDDEN = "***"
# A password may hold any character, if a careless one typed it: the last @ ends it.
_USER = re.compile(r"(?<=://)(?:\S*:\S*@|[^/\s]*@)")
_QUERY = re.compile(r"\?[^\s'\"?]*=[^\s'\"]*")
_ASSIGNED = re.compile(
    r"\b([\w-]*(?:key|secret|token|password|credential|signature|sig)[\w-]*(?:['\"]\s*:|\s*=)\s*)['\"]?[^\s'\",&]+",
    re.IGNORECASE,
)


def is_url(text: str) -> bool:
    """Whether the text names a place by a protocol, as `s3://` and `zip::` do, and not a folder here."""
    return _URL.match(text) is not None


def shown_url(url: str) -> str:
    """The URL as it may be printed: without user, password and query, where keys and signatures stand."""
    return "::".join(_without_secrets(link) for link in url.split("::"))


def without_secrets(text: object, url: str) -> str:
    """What a library says about a URL, on one line, without the secrets of this URL and of others in it."""
    said = str(text)
    for secret in _secrets(url):
        said = said.replace(secret, _HIDDEN)
    return excerpt(_ASSIGNED.sub(rf"\1{_HIDDEN}", _QUERY.sub("", _USER.sub(f"{_HIDDEN}@", said))))


def _without_secrets(link: str) -> str:
    return excerpt(_QUERY.sub("", _USER.sub("", link)))


def _secrets(url: str) -> list[str]:
    """The longest first: a user's name may be a part of the password."""
    found = [match[0].rstrip("@") for match in _USER.finditer(url)]
    found += [part for user in found for part in user.split(":", 1)]
    for match in _QUERY.finditer(url):
        found += [match[0][1:], *(value.partition("=")[2] for value in match[0][1:].split("&"))]
    # A value of one or two characters is in any text.
    both = {text for secret in found for text in (secret, unquote(secret)) if len(text) > 2}
    return sorted(both, key=len, reverse=True)
