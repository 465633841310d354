//! The routes of the API: how often they are called, with which paths, and what each does to the stores.

use super::database::Statement;
use crate::random::Rng;

/// What a handler does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// Reads through the cache; on a miss runs the statement and fills the cache.
    Cached,
    /// Runs the statement and drops what was cached.
    Write,
    /// As `Write`, then queues a match job that runs later in a trace of its own.
    WriteAndQueue,
    /// The planted slow one: a sequential scan on every call.
    SequentialScan,
    /// The planted failing one: a write that violates a constraint now and then.
    Conflicting,
    /// Checks a password; a wrong one is a 401.
    Login,
    /// No such route.
    Unmatched,
}

/// One route.
pub(super) struct Endpoint {
    pub(super) method: &'static str,
    /// `http.route`.
    pub(super) route: &'static str,
    pub(super) path: fn(&mut Rng, u64) -> String,
    /// What the user clicks to call it.
    pub(super) button: &'static str,
    /// The page on which the button is.
    pub(super) page: &'static str,
    /// How often it is called, relative to the others.
    pub(super) weight: u64,
    pub(super) work: Work,
    /// What the handler is called in spans and logs.
    pub(super) handler: &'static str,
    pub(super) statement: Statement,
}

const fn select(table: &'static str, text: &'static str, median_ms: f64, rows: u64) -> Statement {
    Statement { operation: "SELECT", table, text, median_ms, rows }
}

/// The share of `POST /v1/messages` that fails, incident or not.
pub(super) const CONFLICT_RATE: f64 = 0.09;

pub(super) static FEED: Endpoint = Endpoint {
    method: "GET",
    route: "/v1/matches",
    path: |rng, _| format!("/v1/matches?limit=20&offset={}", rng.below(4) * 20),
    button: "Show matches",
    page: "/matches",
    weight: 26,
    work: Work::Cached,
    handler: "listMatches",
    statement: select(
        "matches",
        "SELECT m.id, m.score, p.name, p.photo_url FROM matches m JOIN profiles p ON p.id = m.other_id WHERE m.user_id = $1 AND m.state = 'open' ORDER BY m.score DESC LIMIT $2 OFFSET $3",
        9.0,
        20,
    ),
};

/// All routes; the last one stands for every unknown path.
pub(super) static ENDPOINTS: [&Endpoint; 9] = [
    &FEED,
    &Endpoint {
        method: "GET",
        route: "/v1/matches/suggestions",
        path: |_, user| format!("/v1/matches/suggestions?user={user}&radius=25"),
        button: "Suggest someone",
        page: "/discover",
        weight: 7,
        work: Work::SequentialScan,
        handler: "suggestMatches",
        statement: select(
            "profiles",
            "SELECT id, name, city, interests FROM profiles WHERE city = $1 AND id <> $2 AND interests && $3 AND last_active_at > now() - interval '14 days' ORDER BY cardinality(interests & $3) DESC LIMIT 12",
            760.0,
            12,
        ),
    },
    &Endpoint {
        method: "GET",
        route: "/v1/profiles/:id",
        path: |rng, _| format!("/v1/profiles/{}", 1_000 + rng.below(4_000)),
        button: "Open profile",
        page: "/matches",
        weight: 22,
        work: Work::Cached,
        handler: "getProfile",
        statement: select(
            "profiles",
            "SELECT id, name, birth_year, city, bio, interests, photo_url FROM profiles WHERE id = $1",
            2.5,
            1,
        ),
    },
    &Endpoint {
        method: "POST",
        route: "/v1/matches/:id/like",
        path: |rng, _| format!("/v1/matches/{}/like", 10_000 + rng.below(60_000)),
        button: "Like",
        page: "/matches",
        weight: 14,
        work: Work::WriteAndQueue,
        handler: "likeMatch",
        statement: Statement {
            operation: "INSERT",
            table: "likes",
            text: "INSERT INTO likes (user_id, match_id, created_at) VALUES ($1, $2, now()) ON CONFLICT DO NOTHING",
            median_ms: 5.0,
            rows: 1,
        },
    },
    &Endpoint {
        method: "POST",
        route: "/v1/messages",
        path: |_, _| "/v1/messages".to_owned(),
        button: "Send",
        page: "/chat",
        weight: 12,
        work: Work::Conflicting,
        handler: "sendMessage",
        statement: Statement {
            operation: "INSERT",
            table: "messages",
            text: "INSERT INTO messages (client_id, chat_id, sender_id, body) VALUES ($1, $2, $3, $4) RETURNING id",
            median_ms: 6.0,
            rows: 1,
        },
    },
    &Endpoint {
        method: "GET",
        route: "/v1/events",
        path: |rng, _| {
            format!("/v1/events?city={}", rng.pick(&["edinburgh", "arbroath", "dundee", "glasgow", "leith"]))
        },
        button: "Events near me",
        page: "/events",
        weight: 9,
        work: Work::Cached,
        handler: "listEvents",
        statement: select(
            "events",
            "SELECT id, title, starts_at, place FROM events WHERE city = $1 AND starts_at > now() ORDER BY starts_at LIMIT 50",
            7.0,
            50,
        ),
    },
    &Endpoint {
        method: "PUT",
        route: "/v1/profiles/:id",
        path: |_, user| format!("/v1/profiles/{user}"),
        button: "Save profile",
        page: "/settings",
        weight: 5,
        work: Work::Write,
        handler: "updateProfile",
        statement: Statement {
            operation: "UPDATE",
            table: "profiles",
            text: "UPDATE profiles SET bio = $2, interests = $3, updated_at = now() WHERE id = $1",
            median_ms: 8.0,
            rows: 1,
        },
    },
    &Endpoint {
        method: "POST",
        route: "/v1/sessions",
        path: |_, _| "/v1/sessions".to_owned(),
        button: "Sign in",
        page: "/login",
        weight: 4,
        work: Work::Login,
        handler: "createSession",
        statement: select("users", "SELECT id, password_hash FROM users WHERE email = $1", 3.0, 1),
    },
    &Endpoint {
        method: "GET",
        route: "unmatched",
        path: |rng, _| rng.pick(&["/v1/stories", "/v1/match", "/wp-login.php", "/v1/profiles/me/avatar"]).to_string(),
        button: "Stories",
        page: "/matches",
        weight: 1,
        work: Work::Unmatched,
        handler: "notFound",
        statement: select("none", "", 0.0, 1),
    },
];

/// One route by weight.
pub(super) fn any_endpoint(rng: &mut Rng) -> &'static Endpoint {
    let total: u64 = ENDPOINTS.iter().map(|e| e.weight).sum();
    let mut at = rng.below(total);
    for endpoint in ENDPOINTS {
        if at < endpoint.weight {
            return endpoint;
        }
        at -= endpoint.weight;
    }
    &FEED
}
