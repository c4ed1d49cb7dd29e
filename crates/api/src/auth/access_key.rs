//! The text of access keys: ids and secrets of letters and digits, as those of the clouds' own users are.

use aws_lc_rs::rand;
use model::AccessKeyId;
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;

const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Random characters of an id.
const ID: usize = 20;

/// Characters of a secret: 178 bits.
const SECRET: usize = 30;

/// A fresh id, and what its key signs with.
///
/// # Errors
/// Where the system gives no random bytes.
pub(crate) fn new_access_key() -> Result<(AccessKeyId, SecretString), aws_lc_rs::error::Unspecified> {
    let (random, secret) = (text(ID)?, text(SECRET)?);
    let id = AccessKeyId::of_random(&random).expect("so many letters and digits are an id");
    Ok((id, SecretString::from(secret.as_str())))
}

/// Letters and digits, each as likely as any other.
fn text(length: usize) -> Result<Zeroizing<String>, aws_lc_rs::error::Unspecified> {
    let mut text = Zeroizing::new(String::with_capacity(length));
    let mut bytes = Zeroizing::new([0; 64]);
    while text.len() < length {
        rand::fill(&mut bytes[..])?;
        // Of 256 values the last 8 would make some letters likelier.
        let fair = bytes.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < LETTERS.len() * 4);
        let wanted = length - text.len();
        text.extend(fair.map(|byte| char::from(LETTERS[byte % LETTERS.len()])).take(wanted));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn each_is_another_and_of_letters_and_digits() {
        let (one, other) = (new_access_key().unwrap(), new_access_key().unwrap());
        assert_ne!(one.0, other.0);
        assert_ne!(one.1.expose_secret(), other.1.expose_secret());
        assert_eq!((one.0.as_str().len(), one.1.expose_secret().len()), (24, SECRET));
        assert!(one.1.expose_secret().bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }
}
