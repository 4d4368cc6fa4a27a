"""What users, roles and agents took of the gateway, counted by one function that all processes call."""

from alembic import op

revision = "0003_limits"
down_revision = "0002_identity"

TABLES = """
-- One row for each user, role and agent that ever asked.
CREATE TABLE gateway.limit_use (
    scope      text NOT NULL CHECK (scope IN ('user', 'role', 'agent')),
    name       text NOT NULL,
    slot       bigint NOT NULL DEFAULT 0,
    requests   integer[] NOT NULL DEFAULT array_fill(0, ARRAY[13]),
    day        date NOT NULL DEFAULT '-infinity',
    tokens     bigint NOT NULL DEFAULT 0,
    month      date NOT NULL DEFAULT '-infinity',
    usd        numeric NOT NULL DEFAULT 0,
    refused_at timestamptz NOT NULL DEFAULT '-infinity',
    PRIMARY KEY (scope, name)
) WITH (fillfactor = 50);
COMMENT ON COLUMN gateway.limit_use.slot IS 'number of the 5 seconds that requests[1] counts';

-- What answers in the making may still take. A process that died gives back what it held when it expires.
CREATE TABLE gateway.limit_reservations (
    id         uuid NOT NULL,
    scope      text NOT NULL,
    name       text NOT NULL,
    tokens     bigint NOT NULL,
    usd        numeric NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (scope, name, id)
);
"""

RESERVE = """
CREATE FUNCTION gateway.limit_reserve(
    p_id uuid, p_scopes text[], p_names text[], p_requests integer[], p_tokens_per_day bigint[],
    p_concurrent integer[], p_usd_per_month numeric[], p_tokens bigint, p_usd numeric, p_lives interval,
    p_at timestamptz DEFAULT NULL
) RETURNS jsonb LANGUAGE plpgsql SET search_path = pg_catalog SET timezone = 'UTC' AS $$
DECLARE
    at    timestamptz;
    today date;
    own   gateway.limit_use;
    held  record;
    shift integer;
    sum_  integer;
    wait  double precision;
    why   text;
    left_ jsonb := '[]';
BEGIN
    -- Counts are worth no wait for the disk; a crash of the server forgets a fraction of a second of them.
    PERFORM set_config('synchronous_commit', 'off', true);
    INSERT INTO gateway.limit_use (scope, name) SELECT * FROM unnest(p_scopes, p_names) ON CONFLICT DO NOTHING;
    -- Whoever else counts one of these waits here; all lock in one order, so that nobody waits for each other.
    PERFORM FROM gateway.limit_use u JOIN unnest(p_scopes, p_names) w(scope, name) USING (scope, name)
        ORDER BY u.scope, u.name FOR UPDATE OF u;
    at := coalesce(p_at, clock_timestamp());
    today := at::date;
    FOR i IN 1 .. cardinality(p_scopes) LOOP
        IF p_requests[i] IS NULL OR p_tokens_per_day[i] IS NULL OR p_concurrent[i] IS NULL
            OR p_usd_per_month[i] IS NULL THEN
            RAISE EXCEPTION 'a limit is missing';
        END IF;
        SELECT * INTO STRICT own FROM gateway.limit_use WHERE scope = p_scopes[i] AND name = p_names[i];
        shift := least(greatest(floor(extract(epoch FROM at) / 5)::bigint - own.slot, 0), 13);
        IF shift > 0 THEN
            own.requests := (array_fill(0, ARRAY[shift]) || own.requests)[1:13];
            own.slot := floor(extract(epoch FROM at) / 5)::bigint;
        END IF;
        IF today > own.day THEN own.day := today; own.tokens := 0; END IF;
        IF date_trunc('month', today)::date > own.month THEN
            own.month := date_trunc('month', today)::date; own.usd := 0;
        END IF;
        UPDATE gateway.limit_use SET slot = own.slot, requests = own.requests, day = own.day, tokens = own.tokens,
            month = own.month, usd = own.usd WHERE scope = own.scope AND name = own.name;
        DELETE FROM gateway.limit_reservations r
            WHERE r.scope = own.scope AND r.name = own.name AND r.expires_at <= at;
        SELECT count(*) AS many, coalesce(sum(r.tokens), 0) AS tokens, coalesce(sum(r.usd), 0) AS usd INTO held
            FROM gateway.limit_reservations r WHERE r.scope = own.scope AND r.name = own.name;
        SELECT sum(n) INTO sum_ FROM unnest(own.requests) n;
        IF own.tokens + held.tokens + p_tokens > p_tokens_per_day[i] THEN
            why := 'tokens';
            wait := CASE WHEN own.tokens + p_tokens > p_tokens_per_day[i]
                THEN extract(epoch FROM (own.day + 1)::timestamptz - at) ELSE 1 END;
        ELSIF p_usd > 0 AND own.usd + held.usd + p_usd > p_usd_per_month[i] THEN
            why := 'usd';
            wait := CASE WHEN own.usd + p_usd > p_usd_per_month[i]
                THEN extract(epoch FROM (own.month + interval '1 month')::timestamptz - at) ELSE 1 END;
        ELSIF sum_ >= p_requests[i] THEN
            why := 'requests';
            -- The oldest requests are forgotten first; wait until enough of them are.
            SELECT min(k) INTO shift FROM generate_series(1, 13) k
                WHERE (SELECT coalesce(sum(n), 0) FROM unnest(own.requests[1:13 - k]) n) < p_requests[i];
            wait := (own.slot + shift) * 5 - extract(epoch FROM at);
        ELSIF held.many >= p_concurrent[i] THEN
            why := 'concurrent'; wait := 1;
        END IF;
        IF why IS NOT NULL THEN
            -- One record a minute for each user, role and agent is enough, whoever asks how often.
            IF own.refused_at <= at - interval '1 minute' THEN
                UPDATE gateway.limit_use SET refused_at = at WHERE scope = own.scope AND name = own.name;
            END IF;
            RETURN jsonb_build_object('scope', own.scope, 'name', own.name, 'measure', why,
                'wait_s', greatest(ceil(wait), 1), 'tell', own.refused_at <= at - interval '1 minute');
        END IF;
        left_ := left_ || jsonb_build_object(
            'scope', own.scope, 'requests', p_requests[i] - sum_ - 1,
            'tokens', p_tokens_per_day[i] - own.tokens - held.tokens - p_tokens,
            'requests_s', 60, 'tokens_s', ceil(extract(epoch FROM (own.day + 1)::timestamptz - at))
        );
    END LOOP;
    UPDATE gateway.limit_use u SET requests[1] = u.requests[1] + 1
        FROM unnest(p_scopes, p_names) w(scope, name) WHERE u.scope = w.scope AND u.name = w.name;
    INSERT INTO gateway.limit_reservations (id, scope, name, tokens, usd, expires_at)
        SELECT p_id, w.scope, w.name, p_tokens, p_usd, at + p_lives FROM unnest(p_scopes, p_names) w(scope, name);
    RETURN jsonb_build_object('left', left_);
END $$;
"""

SETTLE = """
CREATE FUNCTION gateway.limit_settle(
    p_id uuid, p_scopes text[], p_names text[], p_tokens bigint, p_usd numeric, p_at timestamptz DEFAULT NULL
) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog SET timezone = 'UTC' AS $$
DECLARE
    at      timestamptz;
    today   date;
    monthly date;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    PERFORM FROM gateway.limit_use u JOIN unnest(p_scopes, p_names) w(scope, name) USING (scope, name)
        ORDER BY u.scope, u.name FOR UPDATE OF u;
    at := coalesce(p_at, clock_timestamp());
    today := at::date;
    monthly := date_trunc('month', today)::date;
    UPDATE gateway.limit_use u SET
        tokens = CASE WHEN u.day >= today THEN u.tokens ELSE 0 END + p_tokens, day = greatest(u.day, today),
        usd = CASE WHEN u.month >= monthly THEN u.usd ELSE 0 END + p_usd, month = greatest(u.month, monthly)
        FROM unnest(p_scopes, p_names) w(scope, name) WHERE u.scope = w.scope AND u.name = w.name;
    DELETE FROM gateway.limit_reservations r USING unnest(p_scopes, p_names) w(scope, name)
        WHERE r.scope = w.scope AND r.name = w.name AND r.id = p_id;
END $$;
"""


def upgrade() -> None:
    """Make the tables and the two functions."""
    for statement in (TABLES, RESERVE, SETTLE):
        op.get_bind().exec_driver_sql(statement)
