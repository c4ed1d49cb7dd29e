//! Where the records are.

use std::str::FromStr;

use secrecy::SecretString;
use url::Url;

use crate::value::Value;

/// Where the records are.
#[derive(Clone, Debug, Default)]
pub enum Database {
    /// In a SQLite file in the data directory.
    #[default]
    Sqlite,
    /// On a PostgreSQL server.
    Postgres(PostgresUrl),
}

/// A PostgreSQL server's address. The password in it is never printed.
#[derive(Clone, Debug)]
pub struct PostgresUrl {
    whole: SecretString,
    shown: String,
    has_password: bool,
}

/// The text is neither. It may hold a password and is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to parse the database's address: expected {}", Database::ALLOWED)]
pub struct DatabaseError;

impl Database {
    /// What a value may be.
    pub(crate) const ALLOWED: &'static str = "`sqlite`, or `postgres://USER[:PASSWORD]@HOST[:PORT]/DATABASE[?OPTION=VALUE&...]` \
        with no password among the options";

    /// As it is shown: a password is left out.
    pub(crate) fn to_value(&self) -> Value {
        Value::Text(match self {
            Self::Sqlite => "sqlite".to_owned(),
            Self::Postgres(url) => url.shown.clone(),
        })
    }
}

impl PostgresUrl {
    /// The whole address, with the password where it has one.
    #[must_use]
    pub const fn secret(&self) -> &SecretString {
        &self.whole
    }

    /// The address with `***` for the password.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Whether a password is in it.
    #[must_use]
    pub const fn has_password(&self) -> bool {
        self.has_password
    }
}

impl FromStr for Database {
    type Err = DatabaseError;

    fn from_str(text: &str) -> Result<Self, DatabaseError> {
        if text == "sqlite" {
            return Ok(Self::Sqlite);
        }
        let mut url: Url = text.parse().map_err(|_| DatabaseError)?;
        // A server's unix socket is named among the options, by its directory.
        let has_host = url.host_str().is_some_and(|host| !host.is_empty());
        let names_server = matches!(url.scheme(), "postgres" | "postgresql")
            && (has_host || url.query_pairs().any(|(name, value)| name == "host" && !value.is_empty()))
            && url.path().len() > 1
            && url.fragment().is_none();
        // Clients take one there as well, where nothing would hide it.
        let hidden = url.query_pairs().any(|(name, _)| name.to_ascii_lowercase().contains("password"));
        if !names_server || hidden {
            return Err(DatabaseError);
        }
        let has_password = url.password().is_some();
        if has_password {
            url.set_password(Some(Value::SECRET)).map_err(|()| DatabaseError)?;
        }
        let shown = url.to_string();
        Ok(Self::Postgres(PostgresUrl { whole: SecretString::from(text), shown, has_password }))
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_password_is_kept_and_never_shown() {
        let text = "postgres://imc:s3cret@db.example:5433/imc?sslmode=verify-full";
        let Database::Postgres(url) = text.parse().unwrap() else { panic!("not PostgreSQL") };
        assert_eq!(url.secret().expose_secret(), text);
        assert_eq!(url.shown(), "postgres://imc:***@db.example:5433/imc?sslmode=verify-full");
        assert!(url.has_password() && !format!("{url:?}").contains("s3cret"));
    }

    #[test]
    fn a_server_may_be_named_by_its_sockets_directory() {
        for text in ["postgres:///imc?host=/run/postgresql", "postgresql://imc@%2Frun%2Fpostgresql/imc"] {
            let Database::Postgres(url) = text.parse().unwrap() else { panic!("not PostgreSQL") };
            assert_eq!((url.shown(), url.has_password()), (text, false));
        }
    }

    #[test]
    fn what_is_no_server_is_refused() {
        for text in [
            "",
            "SQLite",
            "mysql://x/y",
            "postgres://",
            "postgres:///imc",
            "postgres://db.example",
            "postgres://db.example/imc?password=s3cret",
            "postgres://db.example/imc?sslPassword=s3cret",
        ] {
            assert!(text.parse::<Database>().is_err(), "{text}");
        }
    }
}
