"""``/admin/people``: who may log in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from fastapi.responses import Response

from allotment.gateway.administration import AdminFault
from allotment.gateway.identity._passwords import clean_name
from allotment.gateway.pages.admin._router import AdminRouter, Visit, changed
from allotment.gateway.wording import Message, say

DONE = {
    "role": say("The role is changed; it counts from the next request."),
    "shut-out": say("Shut out: sessions and running answers end, and keys do not work."),
    "let-in": say("Let in again."),
    "signed-out": say("All sessions are ended."),
    "session": say("The session is ended."),
    "revoked": say("The key is revoked for good."),
}


class PeoplePages:
    """The list, one user, and what can be done about him."""

    def __init__(self, routes: AdminRouter) -> None:
        self._people = routes.admin.people
        self._project = routes.admin.project
        routes.see("/admin/people", "people", self.show, tell=_filter)
        routes.act("/admin/people", "people", self.invite, tell=_invited)
        routes.see("/admin/people/{name}", "people", self.profile)
        routes.act("/admin/people/{name}/role", "people", self.set_role, tell=_role)
        routes.act("/admin/people/{name}/shut-out", "people", self.shut_out)
        routes.act("/admin/people/{name}/let-in", "people", self.let_in)
        routes.act("/admin/people/{name}/sign-out", "people", self.sign_out)
        routes.act("/admin/people/{name}/link", "people", self.link)
        routes.act("/admin/people/{name}/sessions/{number}/end", "people", self.end_session)
        routes.act("/admin/people/{name}/keys", "people", self.create_key)
        routes.act("/admin/people/{name}/keys/{number}/revoke", "people", self.revoke_key)

    def show(self, visit: Visit, status: int = 200, **more: Any) -> Response:
        """Users by name."""
        role, part = visit.asked("role"), visit.asked("find")
        found = self._people.page(visit.grant, after=visit.asked("after"), role=role or None, part=part)
        query = urlencode({key: value for key, value in (("role", role), ("find", part)) if value})
        shown: dict[str, Any] = {"fault": "", "invited": None, "name": "", "role_given": "", **more}
        return visit.page(
            "people.html",
            status,
            here="people",
            page=found,
            after=visit.asked("after"),
            role=role,
            find=part,
            query=query,
            roles=tuple(self._project.roles),
            giveable=self._people.roles(visit.grant),
            hours=self._project.identity.set_up_link_h,
            passwords=self._project.identity.passwords,
            **shown,
        )

    def invite(self, visit: Visit) -> Response:
        """Make a set-up link and show it, this once."""
        name, role = visit.given("name", 200), visit.given("role", 60)
        try:
            link = self._people.invite(visit.grant, name, role, visit.once())
        except AdminFault as fault:
            return self.show(visit, fault.status, fault=fault.words, name=name, role_given=role)
        return self.show(visit, invited=(clean_name(name), link))

    def profile(self, visit: Visit, status: int = 200, **more: Any) -> Response:
        """One user."""
        profile = self._people.profile(visit.grant, visit.place("name"))
        shown: dict[str, Any] = {"fault": "", "link": "", "key": "", "done": _done(visit), **more}
        return visit.page(
            "person.html",
            status,
            here="people",
            profile=profile,
            user=profile.person.user,
            giveable=self._people.roles(visit.grant),
            hours=self._project.identity.set_up_link_h,
            key_days=self._project.identity.key_days,
            key_most_days=self._project.identity.key_most_days,
            **shown,
        )

    def link(self, visit: Visit) -> Response:
        """A new set-up link for somebody who forgot his password."""
        name = visit.place("name")
        role = self._people.profile(visit.grant, name).person.user.role
        link = self._people.invite(visit.grant, name, role, visit.once())
        return self.profile(visit, link=link)

    def set_role(self, visit: Visit) -> Response:
        """Another role."""
        self._people.set_role(visit.grant, visit.place("name"), visit.given("role", 60))
        return changed(_of(visit), "role")

    def shut_out(self, visit: Visit) -> Response:
        """Nothing of his works any more."""
        self._people.set_disabled(visit.grant, visit.place("name"), disabled=True)
        return changed(_of(visit), "shut-out")

    def let_in(self, visit: Visit) -> Response:
        """He may log in again."""
        self._people.set_disabled(visit.grant, visit.place("name"), disabled=False)
        return changed(_of(visit), "let-in")

    def sign_out(self, visit: Visit) -> Response:
        """All his sessions end."""
        self._people.sign_out(visit.grant, visit.place("name"))
        return changed(_of(visit), "signed-out")

    def end_session(self, visit: Visit) -> Response:
        """One session ends."""
        self._people.end_session(visit.grant, visit.place("name"), _number(visit.place("number")))
        return changed(_of(visit), "session")

    def create_key(self, visit: Visit) -> Response:
        """A key, shown this once."""
        try:
            key = self._people.create_key(
                visit.grant,
                visit.place("name"),
                agents=tuple(visit.given_all("agent")),
                days=_number(visit.given("days", 10)),
                label=visit.given("label", 200),
                once=visit.once(),
            )
        except AdminFault as fault:
            return self.profile(visit, fault.status, fault=fault.words)
        return self.profile(visit, key=key)

    def revoke_key(self, visit: Visit) -> Response:
        """A key ends for good."""
        self._people.revoke_key(visit.grant, visit.place("name"), _number(visit.place("number")))
        return changed(_of(visit), "revoked")


def _of(visit: Visit) -> str:
    return f"/admin/people/{quote(visit.place('name'), safe='')}"


def _done(visit: Visit) -> Message | str:
    return DONE.get(visit.asked("done"), "")


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def _filter(visit: Visit) -> Mapping[str, Any]:
    return {name: visit.asked(name) for name in ("role", "find") if visit.asked(name)}


def _invited(visit: Visit) -> Mapping[str, Any]:
    return {"name": visit.given("name", 200), "role": visit.given("role", 60)}


def _role(visit: Visit) -> Mapping[str, Any]:
    return {"role": visit.given("role", 60)}
