"""The example company with everything a careless owner leaves lying about, and marks in all that must stay hidden."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from own_server import load, own_server
from psycopg import Connection

import allotment
from allotment.access import Grant, Policy, Principal, Request, claims_of, decide
from allotment.access._grant import mint
from allotment.databases import Databases
from allotment.project import load_project
from allotment.workspace import Workspace

ACCOUNT = "northwind_warehouse"
CANARY = "canary"
"""Stands in every hidden text."""
CANARY_NUMBER = "77700"
"""Stands in every hidden number that is marked."""

TRAPS = """
CREATE VIEW public.all_orders AS SELECT order_id, ship_country FROM public.orders;
CREATE MATERIALIZED VIEW public.order_totals AS SELECT ship_country, count(*) AS n FROM public.orders GROUP BY 1;
CREATE FUNCTION public.peek() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER
  AS 'SELECT company_name::text FROM public.customers';
CREATE FUNCTION public.secret_of(public.orders) RETURNS text LANGUAGE sql SECURITY DEFINER
  AS 'SELECT ($1).ship_name::text';
CREATE FUNCTION public.peek_ok(text) RETURNS bool LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION public.first_of(int, int) RETURNS text LANGUAGE sql SECURITY DEFINER
  AS 'SELECT canary FROM public.secrets';
CREATE PROCEDURE public.wipe() LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM public.orders';
CREATE TABLE public.secrets (canary text);
CREATE DOMAIN public.peeking AS text CHECK (public.peek_ok(VALUE));
CREATE OPERATOR public.<<< (LEFTARG = int, RIGHTARG = int, FUNCTION = public.first_of);
CREATE SEQUENCE public.order_numbers;
CREATE TABLE public.readings (region text, value int) PARTITION BY LIST (region);
CREATE TABLE public.readings_north PARTITION OF public.readings FOR VALUES IN ('north');
CREATE TABLE public.readings_south PARTITION OF public.readings FOR VALUES IN ('south');
INSERT INTO public.readings VALUES ('north', 1), ('south', 77700);
CREATE TABLE public.visits (region text, guide text, visitors int);
INSERT INTO public.visits VALUES ('north', 'Ada', 4), ('north', 'Eve', 9), ('south', 'canary-visit', 77700);
INSERT INTO public.secrets VALUES ('canary-secret');
COMMENT ON TABLE public.secrets IS 'canary-comment';
UPDATE public.orders SET ship_name = 'canary-column', ship_address = 'canary-column', freight = 77700;
UPDATE public.orders SET ship_city = 'canary-row' WHERE ship_country NOT IN ('Germany', 'Austria', 'Switzerland');
UPDATE public.suppliers SET address = 'canary-column', fax = 'canary-column', homepage = 'canary-column';
UPDATE public.products SET unit_price = 77700;
UPDATE public.customers SET company_name = 'canary-table', contact_name = 'canary-table', address = 'canary-table';
UPDATE public.employees SET notes = 'canary-table', address = 'canary-table';
ANALYZE;
GRANT SELECT ON public.all_orders, public.order_totals, public.secrets, public.customers TO PUBLIC;
GRANT USAGE ON SEQUENCE public.order_numbers TO PUBLIC;
GRANT CREATE ON SCHEMA public TO PUBLIC;
"""

_SHIPPERS = "      shippers: {columns: [shipper_id, company_name, phone]}\n"
_READINGS = """      readings: {columns: [region, value], rows: {region: north}}
      visits: {columns: [region, guide, visitors], rows: {region: user.region}}
"""
CLAIMS = {"region": "north"}
"""What is known of the one who asks; rows of ``visits`` hang on it."""
_LOADED = "northwind: {load: database/northwind.sql}"


@dataclass(frozen=True)
class Attacked:
    """A provisioned company, its grant for the warehouse, and its owner's way in."""

    databases: Databases
    grant: Grant
    version: str

    def login(self) -> Connection[tuple[Any, ...]]:
        """The agent's own login past the gate, writing allowed as far as it is the login's to allow."""
        connection = self.databases.account_connection(self.grant)
        connection.autocommit = True
        connection.execute("SET default_transaction_read_only = off")
        return connection

    def owner(self) -> Connection[tuple[Any, ...]]:
        """The owner's connection: a superuser."""
        return psycopg.connect(self.databases.admin_dsn("northwind"), autocommit=True)


@contextmanager
def attacked_company(folder: Path, programs: Path | None) -> Iterator[Attacked]:
    """Set it up in ``folder``: on the embedded server, or on an own server made with ``programs``."""
    root = folder / "project"
    shutil.copytree(Path(allotment.__file__).parent / "examples" / "northwind", root)
    with (root / "database" / "northwind.sql").open("a", encoding="utf-8") as file:
        file.write(TRAPS)
    text = (root / "allotment.yaml").read_text(encoding="utf-8").replace(_SHIPPERS, _SHIPPERS + _READINGS)
    if programs is None:
        yield from _provisioned(root, text)
        return
    with own_server(programs) as owner:
        url = load(programs, owner, "northwind", root / "database" / "northwind.sql")
        yield from _provisioned(root, text.replace(_LOADED, f'northwind: {{url: "{url}"}}'))


def _provisioned(root: Path, text: str) -> Iterator[Attacked]:
    (root / "allotment.yaml").write_text(text, encoding="utf-8")
    project = load_project(root)
    with Databases(project, Workspace(root)) as databases:
        databases.provision()
        with psycopg.connect(databases.admin_dsn("northwind")) as owner:
            version = owner.info.parameter_status("server_version") or ""
        request = Request("warehouse", account=ACCOUNT)
        decision = decide(Policy.of(project), Principal("hugo", "warehouse", claims_of(CLAIMS)), request)
        yield Attacked(databases, mint(decision, 1), version)
    databases.server.remove()
