//! Where a PostgreSQL server is: parsed once, shown without its password.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Url;

/// Where the records are and as whom they are opened: `postgres://USER:PASSWORD@HOST/DATABASE`, or
/// `postgres:///DATABASE?host=/run/postgresql` for a socket. The parameters are libpq's: `host`, `port`, `user`, `password`,
/// `dbname`, `sslmode`, `sslrootcert`, `sslcert`, `sslkey`, `options`; what the URL does not say comes from libpq's variables (`PGHOST`,
/// `PGUSER`, `PGPASSWORD`, ...) and its password file.
///
/// Another machine is spoken to by TLS with a certificate that is checked, unless `sslmode` says otherwise. Printing it never
/// shows the password.
#[derive(Clone)]
pub struct PostgresUrl {
    options: PgConnectOptions,
    shown: String,
}

/// Why a text does not say where a PostgreSQL server is. It never repeats the text, which may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum PostgresUrlError {
    /// It is no URL.
    #[error("failed to parse the URL of the database")]
    Url(#[source] url::ParseError),
    /// It is a URL of something else.
    #[error("failed to take the URL of the database: expected it to begin with postgres://")]
    Scheme,
    /// A parameter that is not known.
    #[error("failed to take the parameter `{0}` of the database's URL: expected one of {known}", known = PARAMETERS.join(", "))]
    Parameter(String),
    /// A parameter's value is not one.
    #[error("failed to take the parameters of the database's URL")]
    Value(#[source] sqlx::Error),
}

/// An unknown one would be passed over, and its value logged.
const PARAMETERS: &[&str] =
    &["host", "port", "user", "password", "dbname", "sslmode", "sslrootcert", "sslcert", "sslkey", "options"];

impl PostgresUrl {
    pub(super) fn options(&self) -> PgConnectOptions {
        self.options.clone()
    }
}

impl FromStr for PostgresUrl {
    type Err = PostgresUrlError;

    fn from_str(text: &str) -> Result<Self, PostgresUrlError> {
        let url: Url = text.parse().map_err(PostgresUrlError::Url)?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(PostgresUrlError::Scheme);
        }
        let unknown = url.query_pairs().find(|(key, _)| !PARAMETERS.contains(&key.as_ref()));
        if let Some((key, _)) = unknown {
            return Err(PostgresUrlError::Parameter(key.into_owned()));
        }
        let mut options = PgConnectOptions::from_str(text).map_err(PostgresUrlError::Value)?;
        let is_said = url.query_pairs().any(|(key, _)| key == "sslmode");
        if !is_said && !is_on_this_machine(&options) {
            options = options.ssl_mode(PgSslMode::VerifyFull);
        }
        let shown = shown(&options);
        Ok(Self { options, shown })
    }
}

fn is_on_this_machine(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    let is_loopback =
        || host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    options.get_socket().is_some() || host.starts_with('/') || is_loopback()
}

fn shown(options: &PgConnectOptions) -> String {
    let user = options.get_username();
    let database = options.get_database().unwrap_or(user);
    match options.get_socket() {
        Some(socket) => format!("postgres:///{database}?host={}&user={user}", socket.display()),
        None => format!("postgres://{user}@{}:{}/{database}", options.get_host(), options.get_port()),
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresUrl({})", self.shown)
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    fn parsed(text: &str) -> PostgresUrl {
        text.parse().unwrap()
    }

    #[test]
    fn shows_everything_but_the_password() {
        let url = parsed("postgres://imc:hunter2@db.example:6543/records");
        assert_eq!(url.to_string(), "postgres://imc@db.example:6543/records");
        assert_eq!(format!("{url:?}"), "PostgresUrl(postgres://imc@db.example:6543/records)");
        let url = parsed("postgresql:///records?host=/run/postgresql&user=imc&password=hunter2");
        assert_eq!(url.to_string(), "postgres:///records?host=/run/postgresql&user=imc");
    }

    #[test]
    fn another_machine_is_verified_unless_the_url_says_otherwise() {
        let mode = |text: &str| format!("{:?}", parsed(text).options().get_ssl_mode());
        assert_eq!(mode("postgres://imc@db.example/records"), "VerifyFull");
        assert_eq!(mode("postgres://imc@10.1.2.3/records"), "VerifyFull");
        assert_eq!(mode("postgres://imc@db.example/records?sslmode=require"), "Require");
        for here in ["postgres://imc@localhost/r", "postgres://imc@127.0.0.1/r", "postgres:///r?host=/run"] {
            assert_eq!(
                mode(&format!("{here}{}sslmode=prefer", if here.contains('?') { "&" } else { "?" })),
                "Prefer"
            );
            assert_ne!(mode(here), "VerifyFull", "{here}");
        }
    }

    #[test]
    fn what_is_refused_is_not_repeated() {
        for text in [
            "hunter2",
            "hunter2://imc@db/records",
            "postgres://imc:hunter2@db:port/records",
            "postgres://imc@db/records?passwd=hunter2",
            "postgres://imc:hunter2@db/records?sslmode=maybe",
            "mysql://imc:hunter2@db/records",
        ] {
            let error = text.parse::<PostgresUrl>().unwrap_err();
            let chain = format!("{error} {:?} {error:?}", error.source().map(ToString::to_string));
            assert!(!chain.contains("hunter2"), "{chain}");
        }
    }
}
