"""What fsspec and the packages of storages raise, in our words and without their secrets."""

from harness.errors import UsageError
from harness.system.paths import APPLICATION
from harness.system.urls import shown_url, without_secrets

# The packages that fsspec's most used protocols come from.
_PACKAGES = {
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
    "az": "adlfs",
    "oss": "ossfs",
    "sftp": "paramiko",
    "ssh": "paramiko",
    "smb": "smbprotocol",
    "http": "aiohttp",
    "https": "aiohttp",
    "hf": "huggingface_hub",
}
_CREDENTIALS = {
    "s3": "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; for a public bucket"
    " FSSPEC_S3='{\"anon\": true}'",
    "gs": "run gcloud auth application-default login, or set GOOGLE_APPLICATION_CREDENTIALS",
}
_DENIED = ("credential", "unauthorized", "forbidden", "accessdenied", "authentication", "permission")
_UNREACHED = ("connect", "timeout", "resolve", "gaierror", "ssl", "proxy")


def missing_package(error: ImportError, url: str) -> UsageError:
    """The packages that this URL's protocol needs, as a line for pip."""
    protocol = _protocol(url)
    package = _PACKAGES.get(protocol)
    missing = (error.name or "").partition(".")[0]
    lacking = missing if missing in ("fsspec", package) else package or "a package"
    line = f"pip install '{APPLICATION}[remote]'" + (f" {package}" if package else "")
    return UsageError(
        f"reading {shown_url(url)} needs {lacking}, which is not installed",
        hint=line
        if package or protocol == "memory"
        else f"{line}, and the package that fsspec's documentation names for {protocol}://",
    )


def translated(error: Exception, url: str, shown: str) -> UsageError:
    """One error that names the place; what the library said is quoted without secrets."""
    said = without_secrets(error, url)
    quoted = f" ({type(error).__name__}{': ' + said if said else ''})"
    kind = f"{type(error).__name__} {said}".lower().replace(" ", "")
    protocol = _protocol(url)
    if isinstance(error, UsageError):
        return error
    if isinstance(error, ImportError):
        return missing_package(error, url)
    if isinstance(error, ValueError) and "protocol" in kind:
        return UsageError(
            f"no storage is known by the protocol {protocol}://{quoted}",
            hint="name a folder, or a URL such as s3://bucket/nightly-1",
        )
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return UsageError(
            f"there is nothing at {shown}{quoted}",
            hint="check the bucket, the path and the account that looks for it",
        )
    if isinstance(error, PermissionError) or any(word in type(error).__name__.lower() for word in _DENIED):
        return UsageError(
            f"{shown} may not be read{quoted}",
            hint=_CREDENTIALS.get(_alias(protocol), "give the storage's package credentials that may read"),
        )
    if isinstance(error, ConnectionError | TimeoutError) or any(word in kind for word in _UNREACHED):
        return UsageError(
            f"the storage of {shown} cannot be reached{quoted}",
            hint=_address_hint(_alias(protocol)),
        )
    return UsageError(
        f"cannot read {shown}{quoted}",
        hint="copy the run folders here with the storage's own program, and name the copies",
    )


def _address_hint(protocol: str) -> str:
    if protocol == "s3":
        return "check the network; a server of your own is named by AWS_ENDPOINT_URL"
    return "check the network and the storage's address"


def _alias(protocol: str) -> str:
    return {"s3a": "s3", "gcs": "gs"}.get(protocol, protocol)


def _protocol(url: str) -> str:
    """That of the last link, which is where the bytes come from."""
    return url.split("::")[-1].partition("://")[0].lower()
