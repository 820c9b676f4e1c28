"""What operators do all day, as deeds of one visitor: by the forms and buttons of the pages, as they find them."""

import hashlib
import itertools
import random
import re
from collections.abc import Callable
from dataclasses import dataclass

from bench.ledger import Ledger
from bench.visitor import Answer, Fields, Visitor

RUNS = ("sync", "sync-publish", "sync-publish-distribute", "default")
# Bytes that some clean-up may be about to take, and that uploads and upstreams bring again (see bench/races.py).
UNNEEDED = [b"unneeded since long ago, number %d" % number for number in range(150)]

_NUMBERS = itertools.count(1)


def new_number() -> int:
    """One that nobody has yet, in any thread."""
    return next(_NUMBERS)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass
class Operator:
    """One of many. `upstreams` are addresses of lists; what he makes himself is named after `name`."""

    name: str
    visitor: Visitor
    ledger: Ledger
    upstreams: list[str]
    dice: random.Random

    def act(self) -> None:
        """One deed, whichever comes."""
        kinds, weights = zip(*DEEDS.items(), strict=True)
        self.dice.choices(kinds, weights)[0](self)

    # -- looking --

    def look_around(self) -> None:
        pages = ["/", "/jobs/", "/jobs/table/", "/distributions/", "/publications/", "/storage/", "/storage/plan/"]
        pages += ["/storage/sizes/", "/status.json", "/running/", "/publish-settings/", "/remotes/"]
        self.visitor.look(self.dice.choice(pages))

    def look_at_a_repository(self) -> None:
        if number := self._any("/", r"/repositories/(\d+)/"):
            page = self.visitor.look(f"/repositories/{number}/")
            if links := re.findall(rf"/repositories/{number}/versions/\d+/", page.text):
                self.visitor.look(self.dice.choice(links))

    def look_at_a_job(self) -> None:
        if number := self._any("/jobs/", r"/jobs/(\d+)/"):
            self.visitor.look(f"/jobs/{number}/")
            self.visitor.look(f"/jobs/{number}/panel/")

    def _any(self, page: str, pattern: str) -> str:
        """One of what a page has that is like this; nothing where it has none."""
        found = sorted(set(re.findall(pattern, self.visitor.look(page).text)))
        return self.dice.choice(found) if found else ""

    # -- runs --

    def run(self) -> None:
        if number := self._any("/", r"/repositories/(\d+)/"):
            self.visitor.send(f"/repositories/{number}/run/", {"actions": self.dice.choice(RUNS)}, "run")

    def follow_up(self) -> None:
        if number := self._any("/jobs/", r"/jobs/(\d+)/"):
            deed = self.dice.choice(["again", "retry", "confirm"])
            self.visitor.send(f"/jobs/{number}/{deed}/", {}, deed)

    def cancel(self) -> None:
        if number := self._any("/jobs/?state=active", r"/jobs/(\d+)/"):
            self.visitor.send(f"/jobs/{number}/cancel/", {}, "cancel")

    def upkeep(self) -> None:
        if self.dice.random() < 0.6:
            self.visitor.send("/storage/clean/", {}, "clean up")
        else:
            self.visitor.send("/storage/verify/", {"repair": "on", "rate": ""}, "verify")

    # -- settings --

    def edit_a_repository(self) -> None:
        number = self._any("/", r"/repositories/(\d+)/")
        path = f"/repositories/{number}/edit/"
        form = self.visitor.look(path).form() if number else None
        if form is None or "seen" not in form:
            return
        self._edit(path, form, {"stale_days": str(new_number())}, [int(number)], "edit repository")

    def edit_publish_settings(self) -> None:
        number = self._any("/", r"/repositories/(\d+)/")
        if not number:
            return
        page = self.visitor.look(f"/repositories/{number}/")
        found = re.search(r"/publish-settings/(\d+)/", page.text)
        path = f"/publish-settings/{found[1]}/edit/" if found else ""
        form = self.visitor.look(path).form(path) if path else None
        if form is None or "seen" not in form:
            return
        users = [int(one) for one in form.get("users", "").split()]
        self._edit(path, form, {"checksums": f"SUMS.{new_number()}"}, users, "edit publish settings")

    def _edit(self, path: str, form: Fields, values: Fields, whose: list[int], kind: str) -> None:
        """Sends it as it was opened, but for these values; notes, if it was taken, whose it changed."""
        if self.visitor.send(path, form | values, kind).status != 302:
            return
        for pk in whose:
            for field, value in values.items():
                self.ledger.edited((field, pk), form.get(field, ""), value)

    # -- what is served --

    def pin(self) -> None:
        number = self._any("/distributions/", r"/distributions/(\d+)/")
        page = self.visitor.look(f"/distributions/{number}/") if number else Answer(404)
        publications = re.findall(r'name="publication" value="(\d+)"', page.text)
        form = page.form(f"/distributions/{number}/pin/")
        if form is not None and publications:
            note = f"note {new_number()}"
            chosen = {"publication": self.dice.choice(publications), "reason": note}
            if self.visitor.send(f"/distributions/{number}/pin/", form | chosen, "pin").status == 302:
                self.ledger.pinned(note)

    def follow(self) -> None:
        number = self._any("/distributions/?show=pinned", r"/distributions/(\d+)/")
        page = self.visitor.look(f"/distributions/{number}/") if number else Answer(404)
        form = page.form(f"/distributions/{number}/pin/")
        if form is not None:
            self.visitor.send(f"/distributions/{number}/follow/", form, "follow")

    def add_a_distribution(self) -> None:
        """Sometimes where there is one, or inside it, which is refused."""
        if number := self._any("/", r"/repositories/(\d+)/"):
            place = self.dice.choice([f"more/{self.name}/{new_number()}", "stable/0", "stable/0/inside", "stable"])
            fields = {"repository": number, "base_path": place, "how": "follow", "publication": "", "reason": ""}
            self.visitor.send("/distributions/new/", fields, "new distribution")

    def move_a_distribution(self) -> None:
        path = self._own_distribution()
        form = self.visitor.look(f"{path}edit/").form() if path else None
        if form is not None:
            place = f"more/{self.name}/{new_number()}"
            protected = {"protected": "on"} if "protected" not in form else {}
            form.pop("protected", None)
            self.visitor.send(f"{path}edit/", form | {"base_path": place} | protected, "move distribution")

    def delete_a_distribution(self) -> None:
        if path := self._own_distribution():
            self._delete_distribution(path)

    def _own_distribution(self) -> str:
        """Of those that were added later: the others are what downloaders rely upon."""
        number = self._any("/distributions/?q=more/", r"/distributions/(\d+)/")
        return f"/distributions/{number}/" if number else ""

    def _delete_distribution(self, path: str) -> bool:
        base_path = re.search(r"Delete distribution “(\S+)”", self.visitor.look(f"{path}delete/").text)
        confirmed = {"confirmed": base_path[1]} if base_path else {}
        return self.visitor.send(f"{path}delete/", confirmed, "delete distribution").status in (302, 404)

    # -- files and versions --

    def upload(self) -> None:
        path, form = self._by_hand("upload")
        if form is not None:
            data = [b"by hand %d" % new_number(), self.dice.choice(UNNEEDED)]
            into = f"by-hand/{self.name}-{new_number()}"
            files = [("file", (str(index), one)) for index, one in enumerate(data)]
            answer = self.visitor.send(path, form | {"into": into}, "upload", files=files)
            self._note(answer, {f"{into}/{index}": digest(one) for index, one in enumerate(data)})

    def add_what_is_stored(self) -> None:
        path, form = self._by_hand("add")
        if form is not None:
            sha256, place = digest(self.dice.choice(UNNEEDED)), f"added/{new_number()}"
            answer = self.visitor.send(path, form | {"lines": f"{sha256}  {place}"}, "add by digest")
            self._note(answer, {place: sha256})

    def remove_files(self) -> None:
        path, form = self._by_hand("remove")
        at = self.visitor.look(path.replace("remove", "files")).location if form is not None else ""
        there = re.findall(r"(?:by-hand|added)/[\w/-]+", self.visitor.look(at).text) if at else []
        if form is not None and there:
            gone = self.dice.choice(there)
            self._note(self.visitor.send(path, form | {"lines": gone}, "remove"), {gone: None})

    def _by_hand(self, deed: str) -> tuple[str, Fields | None]:
        """Where the files of some repository are changed, and the form there, if it is not a mirror."""
        path = f"/repositories/{self._any('/', r'/repositories/([0-9]+)/') or 0}/{deed}/"
        return path, self.visitor.look(path).form(path)

    def _note(self, answer: Answer, files: dict[str, str | None]) -> None:
        if answer.status == 302 and answer.number:
            self.ledger.changed(answer.number, files)

    def with_a_version(self) -> None:
        if number := self._any("/", r"/repositories/(\d+)/"):
            page = self.visitor.look(f"/repositories/{number}/")
            if found := re.findall(rf"/repositories/{number}/versions/\d+/", page.text):
                deed = self.dice.choice(["publish", "restore", "delete", "verify"])
                fields = {"publish_settings": ""} if deed == "publish" else {}
                self.visitor.send(f"{self.dice.choice(found)}{deed}/", fields, f"{deed} version")

    def delete_a_publication(self) -> None:
        if number := self._any("/publications/", r"/publications/(\d+)/"):
            self.visitor.send(f"/publications/{number}/delete/", {}, "delete publication")

    # -- repositories that come and go --

    def make_a_repository(self) -> None:
        name = f"{self.name}-{new_number()}"
        place = self.dice.choice([f"more/{name}", f"more/{name}", "stable/1"])
        fields = {"url": self.dice.choice(self.upstreams), "name": name, "base_path": place}
        if self.visitor.send("/repositories/create/", fields, "make repository").status == 302:
            self.ledger.made.add(name)

    def delete_a_repository(self) -> None:
        """One of his own, with all that serves it."""
        links = re.findall(rf'/repositories/(\d+)/"[^>]*>\s*({self.name}-\d+)', self.visitor.look("/").text)
        if not links:
            return
        number, name = self.dice.choice(links)
        served = re.findall(r"/distributions/\d+/", self.visitor.look(f"/repositories/{number}/").text)
        if all(self._delete_distribution(path) for path in sorted(set(served))):
            fields = {"name": name, "with_remote": "on"}
            if self.visitor.send(f"/repositories/{number}/delete/", fields, "delete repository").status == 302:
                self.ledger.deleted.add(name)


# How often each is done, in comparison.
DEEDS: dict[Callable[[Operator], None], int] = {
    Operator.look_around: 6,
    Operator.look_at_a_repository: 4,
    Operator.look_at_a_job: 4,
    Operator.run: 12,
    Operator.follow_up: 3,
    Operator.cancel: 3,
    Operator.upkeep: 2,
    Operator.edit_a_repository: 8,
    Operator.edit_publish_settings: 4,
    Operator.pin: 5,
    Operator.follow: 4,
    Operator.add_a_distribution: 3,
    Operator.move_a_distribution: 2,
    Operator.delete_a_distribution: 2,
    Operator.upload: 6,
    Operator.add_what_is_stored: 4,
    Operator.remove_files: 3,
    Operator.with_a_version: 4,
    Operator.delete_a_publication: 2,
    Operator.make_a_repository: 3,
    Operator.delete_a_repository: 3,
}
