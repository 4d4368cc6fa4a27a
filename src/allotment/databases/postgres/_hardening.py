"""What PostgreSQL gives everybody and a service account must not have.

Each name stands for a way out that was tried: settings that undo limits, dynamic SQL inside a SELECT, channels
and locks between accounts, large objects that are writable in a read-only transaction, other people's
statements, counts and names of what is hidden. ``docs/database-attacks.md`` has the table.
"""

from __future__ import annotations

from psycopg import sql

from allotment.databases._declared import Sql

FORBIDDEN_FUNCTIONS = (
    "^("
    + "|".join(
        (
            r"set_config|current_setting|pg_show_all_settings|pg_reload_conf|pg_settings_get_flags",
            r"pg_sleep.*|pg_notify|pg_listening_channels|pg_notification_queue_usage",
            r"pg_advisory.*|pg_try_advisory.*|pg_lock_status|pg_blocking_pids|pg_isolation_test.*|pg_safe_snapshot.*",
            r"lo_.*|lo(read|write)|be_lo_.*",
            r"(query|table|schema|database|cursor)_to_xml.*|ts_stat|ts_rewrite|xpath_table",
            r"pg_logical_.*|pg_replication_.*|pg_create_.*|pg_drop_.*|pg_copy_.*|pg_switch_wal|pg_walfile.*",
            r"pg_current_xact_id.*|pg_current_snapshot|pg_xact_.*|pg_export_snapshot|txid_.*|pg_current_wal.*",
            r"pg_terminate_backend|pg_cancel_backend|pg_log_.*|pg_promote|pg_rotate_.*",
            r"pg_stat_.*|pg_backend_pid|pg_prepared_.*|pg_cursor|pg_conf_load_time|pg_postmaster_start_time",
            r"pg_get_.*|pg_describe_object|pg_identify_object.*|(col|obj|shobj)_description",
            r".*_size|pg_relation_file.*|pg_filenode_relation|pg_ls_.*|pg_read_.*|pg_file_.*",
            r"has_.*_privilege|pg_has_role|row_security_active|to_reg.*|acl.*|pg_.*_is_visible",
            r"inet_(server|client)_.*|pg_control_.*|pg_config|version|current_schemas?|current_database",
            r"nextval|setval|currval|lastval|pg_sequence_.*|pg_collation_.*|pg_import_.*|pg_extension_.*",
            r"regclass|format_type|oidvectortypes|pg_partition_.*|pg_relation_is_.*|pg_column_.*|pg_index.*_property",
            r"pg_input_.*|pg_options_to_table|pg_tablespace_.*|pg_timezone_.*|pg_available_.*|pg_event_trigger_.*",
            r"pg_snapshot_x.*|pg_mcv_list_items|pg_my_temp_schema|pg_is_other_temp_schema|pg_basetype|pg_numa_.*",
            r"getpgusername|ts_debug|mxid_age",
        )
    )
    + ")$"
)
"""Names, as a regular expression, of the functions in pg_catalog taken from PUBLIC."""

HARMLESS = r"^(random.*|setseed|gen_random_uuid|uuidv.*|clock_timestamp|timeofday|array_sample|array_shuffle)$"
"""Volatile functions that only make numbers and times; many tables of companies have them as defaults."""

# A volatile function changes something or looks past the query; what PostgreSQL adds tomorrow is taken as well.
# Triggers and handlers cannot be called by SQL.
_OPEN = """p.pronamespace = 'pg_catalog'::regnamespace
      AND (p.proname ~ {pattern} OR (p.provolatile = 'v' AND p.proname !~ {harmless}
        AND p.prorettype::regtype::text !~ 'trigger|handler|internal'))
      AND (p.proacl IS NULL OR EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee = 0))"""

_FUNCTIONS = f"""DO $harden$
DECLARE routine regprocedure;
BEGIN
  FOR routine IN SELECT p.oid FROM pg_catalog.pg_proc p
    WHERE {_OPEN}
  LOOP
    EXECUTE format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', routine);
  END LOOP;
END $harden$"""  # noqa: S608 - constants

_LANGUAGES = """DO $harden$
DECLARE language name;
BEGIN
  FOR language IN SELECT lanname FROM pg_catalog.pg_language WHERE lanpltrusted LOOP
    EXECUTE format('REVOKE ALL ON LANGUAGE %I FROM PUBLIC', language);
  END LOOP;
END $harden$"""

_OPEN_FUNCTIONS = f"SELECT count(*) FROM pg_catalog.pg_proc p WHERE {_OPEN}"  # noqa: S608 - constants

_OPEN_CATALOGS = """SELECT count(*) FROM pg_catalog.pg_class c
    WHERE c.relnamespace IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
      AND c.relkind IN ('r', 'v')
      AND (EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee = 0)
        OR EXISTS (SELECT FROM pg_catalog.pg_attribute t, aclexplode(t.attacl) a
                   WHERE t.attrelid = c.oid AND a.grantee = 0))"""


_NAMES = {"pattern": sql.Literal(FORBIDDEN_FUNCTIONS), "harmless": sql.Literal(HARMLESS)}


def catalog_statements() -> list[Sql]:
    """Take the dangerous functions, the system catalogs and the procedural languages from PUBLIC; superuser only."""
    return [
        sql.SQL(_FUNCTIONS).format(**_NAMES),
        sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA pg_catalog FROM PUBLIC"),
        sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA information_schema FROM PUBLIC"),
        sql.SQL(_LANGUAGES),
    ]


def public_statements(database: str, schemas: list[str], creators: list[str]) -> list[Sql]:
    """Take from PUBLIC what it has in one database's own schemas, now and for what ``creators`` make later."""
    name = sql.Identifier(database)
    found: list[Sql] = [sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name)]
    for creator in creators:
        later = sql.SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {} REVOKE ALL ON {} FROM PUBLIC")
        found += [later.format(sql.Identifier(creator), sql.SQL(kind)) for kind in ("TABLES", "ROUTINES", "TYPES")]
    for schema in schemas:
        place = sql.Identifier(schema)
        revoke = sql.SQL("REVOKE ALL ON ALL {} IN SCHEMA {} FROM PUBLIC")
        found += [revoke.format(sql.SQL(kind), place) for kind in ("TABLES", "SEQUENCES", "ROUTINES")]
        found.append(sql.SQL("REVOKE ALL ON SCHEMA {} FROM PUBLIC").format(place))
    return found


def open_functions_query() -> Sql:
    """Counts forbidden functions PUBLIC may still call."""
    return sql.SQL(_OPEN_FUNCTIONS).format(**_NAMES)


def open_catalogs_query() -> Sql:
    """Counts system catalogs PUBLIC may still read."""
    return sql.SQL(_OPEN_CATALOGS)


def open_defaults_query() -> Sql:
    """Roles (of the one parameter, an array of names) whose later objects PUBLIC would get rights on, and of what kind.

    A kind whose rights were never changed has no entry; of tables PUBLIC gets nothing then, of the others something.
    """
    return sql.SQL("""SELECT r.rolname::text, k.word FROM pg_catalog.pg_roles r
      CROSS JOIN (VALUES ('f', 'ROUTINES'), ('T', 'TYPES'), ('r', 'TABLES')) AS k (kind, word)
      LEFT JOIN pg_catalog.pg_default_acl d
        ON d.defaclrole = r.oid AND d.defaclnamespace = 0 AND d.defaclobjtype::text = k.kind
      WHERE r.rolname::text = ANY (%s) AND EXISTS (
        SELECT FROM aclexplode(coalesce(d.defaclacl, acldefault(k.kind::"char", r.oid))) a WHERE a.grantee = 0)
      ORDER BY 1, 2""")
