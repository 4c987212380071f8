//! Which database is used, without ever showing its password.

use crate::error::StoreError;
use domain::Secret;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Given to libpq unless the address says otherwise. Left alone it waits minutes for a server that does not answer, and
/// hours for one that vanished from the network in the middle of a query.
const DEFAULTS: [(&str, &str); 5] = [
    ("connect_timeout", "10"),
    ("keepalives_idle", "30"),
    ("keepalives_interval", "10"),
    ("keepalives_count", "3"),
    ("tcp_user_timeout", "60000"),
];

/// Which database is used. Read it with [`str::parse`] from `sqlite:<path>`, `sqlite://<path>` or
/// `postgres://user:password@host:port/database`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// An embedded database in this file.
    Sqlite(PathBuf),
    /// A PostgreSQL server.
    Postgres(PostgresAddress),
}

/// How to reach a PostgreSQL server. `Display` and `Debug` leave the password out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresAddress {
    conninfo: Secret,
    shown: String,
}

impl PostgresAddress {
    /// The address from its parts, each taken literally: nothing needs to be escaped. A `host` that starts with `/` is
    /// the folder of a Unix socket.
    pub fn new(host: &str, port: u16, database: &str, user: &str, password: Option<&Secret>) -> Self {
        let quoted = |value: &str| format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"));
        let mut conninfo =
            format!("host={} port={port} dbname={} user={}", quoted(host), quoted(database), quoted(user));
        for (name, value) in DEFAULTS {
            conninfo.push_str(&format!(" {name}={value}"));
        }
        if let Some(password) = password {
            conninfo.push_str(&format!(" password={}", quoted(password.expose())));
        }
        Self { conninfo: Secret::new(conninfo), shown: format!("postgres://{host}:{port}/{database}") }
    }

    /// What libpq connects with. Contains the password.
    pub(crate) fn conninfo(&self) -> &str {
        self.conninfo.expose()
    }

    /// Refuses every address whose password could be mistaken for another part, because that part is shown.
    fn from_url(url: &str, rest: &str) -> Result<Self, StoreError> {
        let authority_end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(authority_end);
        if tail.contains('@') || authority.matches('@').count() > 1 {
            return Err(StoreError::BadUrl {
                problem: "its password contains `/`, `?` or `@`; write them as %2F, %3F and %40",
            });
        }
        let host = authority.rsplit('@').next().unwrap_or_default();
        let (path, query) = tail.split_once('?').unwrap_or((tail, ""));
        let mut conninfo = url.to_owned();
        for (name, value) in DEFAULTS {
            if !query.contains(&format!("{name}=")) {
                let joint = match conninfo.chars().last() {
                    Some('?' | '&') => "",
                    _ if conninfo.contains('?') => "&",
                    _ => "?",
                };
                conninfo.push_str(&format!("{joint}{name}={value}"));
            }
        }
        Ok(Self { conninfo: Secret::new(conninfo), shown: format!("postgres://{host}{path}") })
    }
}

impl FromStr for DatabaseUrl {
    type Err = StoreError;

    fn from_str(url: &str) -> Result<Self, StoreError> {
        let url = url.trim();
        if url.contains('\0') {
            return Err(StoreError::BadUrl { problem: "it contains a NUL character" });
        }
        for scheme in ["postgres://", "postgresql://"] {
            if let Some(rest) = url.strip_prefix(scheme) {
                return PostgresAddress::from_url(url, rest).map(Self::Postgres);
            }
        }
        let Some(path) = url.strip_prefix("sqlite:") else {
            return Err(StoreError::BadUrl { problem: "it starts with neither `sqlite:` nor `postgres://`" });
        };
        match path.strip_prefix("//").unwrap_or(path) {
            "" => Err(StoreError::BadUrl { problem: "it names no file after `sqlite:`" }),
            // Every connection of the pool would see an empty database of its own.
            ":memory:" => {
                Err(StoreError::BadUrl { problem: "a database in memory forgets what it must remember" })
            }
            path => Ok(Self::Sqlite(PathBuf::from(path))),
        }
    }
}

/// For people: the engine and the place, never user or password.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(address) => f.write_str(&address.shown),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DatabaseUrl, PostgresAddress};
    use domain::Secret;
    use std::path::PathBuf;

    #[test]
    fn sqlite_urls_name_a_file() {
        for (url, path) in [
            ("sqlite:data/a.db", "data/a.db"),
            ("sqlite://data/a.db", "data/a.db"),
            ("sqlite:///var/lib/a b.db", "/var/lib/a b.db"),
            (" sqlite:/a.db ", "/a.db"),
        ] {
            assert_eq!(
                url.parse::<DatabaseUrl>().unwrap(),
                DatabaseUrl::Sqlite(PathBuf::from(path)),
                "{url}"
            );
        }
    }

    #[test]
    fn a_typo_is_refused_instead_of_creating_a_file_of_that_name() {
        for url in
            ["", "whatever", "sqlite:", "sqlite://", "sqlite::memory:", "mysql://u:p@h/d", "postgres:/h/d"]
        {
            assert!(url.parse::<DatabaseUrl>().is_err(), "{url}");
        }
    }

    #[test]
    fn the_password_is_never_shown() {
        for (url, shown) in [
            (
                "postgres://app:hunter2@db.example.com:5433/ghl?sslmode=disable",
                "postgres://db.example.com:5433/ghl",
            ),
            ("postgresql://app:hunter2@db.example.com/ghl", "postgres://db.example.com/ghl"),
            ("postgres://db.example.com/ghl?user=app&password=hunter2", "postgres://db.example.com/ghl"),
            ("postgres:///ghl?host=/run/pg&password=hunter2", "postgres:///ghl"),
        ] {
            let parsed: DatabaseUrl = url.parse().unwrap();
            assert_eq!(parsed.to_string(), shown);
            assert!(!format!("{parsed:?}").contains("hunter2"));
        }
        for url in [
            "postgres://u:a/b@h/d",
            "postgres://u:a?b@h/d",
            "postgres://u:a@b@h/d",
            "postgres://h/d?password=a@b",
        ] {
            let refused = url.parse::<DatabaseUrl>().unwrap_err().to_string();
            assert!(refused.contains("%40"), "{refused}");
        }
    }

    #[test]
    fn parts_are_quoted_for_libpq() {
        let password = Secret::new(r"it's a \ p@ss/?");
        let address = PostgresAddress::new("db.example.com", 5432, "ghl sync", "app", Some(&password));
        let conninfo = address.conninfo();
        assert!(
            conninfo.starts_with(
                "host='db.example.com' port=5432 dbname='ghl sync' user='app' connect_timeout=10 "
            )
        );
        assert!(conninfo.ends_with(r" password='it\'s a \\ p@ss/?'"), "{conninfo}");
        assert_eq!(DatabaseUrl::Postgres(address).to_string(), "postgres://db.example.com:5432/ghl sync");
    }

    #[test]
    fn an_unreachable_server_is_given_up_in_seconds() {
        let rest = "keepalives_idle=30&keepalives_interval=10&keepalives_count=3&tcp_user_timeout=60000";
        for (url, start) in [
            ("postgres://h/d", "postgres://h/d?connect_timeout=10&"),
            ("postgres://h/d?", "postgres://h/d?connect_timeout=10&"),
            ("postgres://h/d?sslmode=disable", "postgres://h/d?sslmode=disable&connect_timeout=10&"),
            ("postgres://h/d?connect_timeout=3", "postgres://h/d?connect_timeout=3&"),
        ] {
            let DatabaseUrl::Postgres(address) = url.parse().unwrap() else { panic!("{url}") };
            assert_eq!(address.conninfo(), format!("{start}{rest}"));
        }
    }
}
