"""An upload's way in: the files of a multipart body, each hashed while it goes to disk, never through memory."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFilesSent
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, QueryDict, UnreadablePostError
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.utils.datastructures import MultiValueDict

from repos import conf, space, units
from repos.arrivals import BLOCK, Arrival, Arrivals, Arrived
from repos.errors.values import InvalidValue
from repos.words import say

from .views.http import Request


class TooLarge(InvalidValue):
    """An upload of which more came than is taken."""

    def __init__(self, why: str) -> None:
        super().__init__("files", why)


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file that arrived, under the `path` that the browser gave it. Django's own would lose its folders."""

    path: str
    arrived: Arrived

    def close(self) -> None:
        """What Django does with all that was uploaded. The bytes are on disk by then."""


class _Handler(FileUploadHandler):
    chunk_size = BLOCK

    def __init__(self, request: HttpRequest, arrivals: Arrivals) -> None:
        super().__init__(request)
        self._arrivals = arrivals
        self._arrival: Arrival | None = None

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._arrival = self._arrivals.begin()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        assert self._arrival
        self._arrival.write(raw_data)

    def file_complete(self, file_size: int) -> Any:
        assert self._arrival
        assert self.file_name is not None
        return Uploaded(self.file_name, self._arrival.end())

    def upload_interrupted(self) -> None:
        raise _broken_off()


class _Parser(MultiPartParser):
    def sanitize_file_name(self, file_name: str) -> str:
        """The name as it was meant, folders and all: which ones are legal the domain says.

        Django's own would make “&” of “&amp;”, and leave files out. Browsers and curl send “"” as “%22”.
        """
        return file_name.replace("%22", '"')


def _broken_off() -> InvalidValue:
    return InvalidValue("files", say("The upload broke off before its end, so nothing was changed. Send it again."))


def receive(request: Request, arrivals: Arrivals) -> None:
    """Reads the body of `request`, its files into `arrivals`; they are `Uploaded` then in `request.FILES`.

    Raises TooLarge, InvalidValue for an upload that broke off, and NotStored.
    """
    limit = conf.max_upload_bytes()
    size = int(request.META.get("CONTENT_LENGTH") or 0)
    if size > limit:
        raise TooLarge(say("An upload may have {size} at most. Send the files in several.", size=units.size(limit)))
    space.refuse_what_does_not_fit(size)

    def parse(META: dict[str, Any], post_data: Any) -> tuple[QueryDict, MultiValueDict[str, Any]]:
        return _Parser(META, post_data, [_Handler(request, arrivals)], request.encoding).parse()

    request.parse_file_upload = parse  # type: ignore[method-assign,assignment]
    try:
        request.POST  # noqa: B018 - the body is read now, and by nothing else
    except UnreadablePostError:
        raise _broken_off() from None
    except TooManyFilesSent:
        most = f"{settings.DATA_UPLOAD_MAX_NUMBER_FILES:,}"
        raise TooLarge(say("An upload may have {most} files at most. Send them in several.", most=most)) from None
    except RequestDataTooBig:
        raise TooLarge(say("The form has more text than is taken. Send the files in several uploads.")) from None
    except MultiPartParserError:
        why = say("The upload could not be read, so nothing was changed: a name in it may be too long. Send it again.")
        raise InvalidValue("files", why) from None
