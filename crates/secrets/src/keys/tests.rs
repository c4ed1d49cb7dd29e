use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use proptest::prelude::*;

use super::*;
use crate::EnvelopeError;

fn owner(account: &str, record: &str) -> Owner {
    Owner::new(&account, &record)
}

fn text(ring: &KeyRing) -> String {
    ring.to_text().expose_secret().to_owned()
}

proptest! {
    #[test]
    fn what_is_sealed_opens_and_nothing_else_does(secret: Vec<u8>, account: String, record: String, other: String) {
        let ring = KeyRing::generate().unwrap();
        let owner = Owner::new(&account, &record);
        let sealed = ring.seal(&owner, &secret).unwrap();
        let stored = Sealed::from_bytes(sealed.as_bytes().to_vec()).unwrap();
        let opened = ring.open(&owner, &stored).unwrap();
        prop_assert_eq!(opened.expose_secret(), secret.as_slice());
        prop_assert_ne!(ring.seal(&owner, &secret).unwrap(), sealed.clone());
        for stranger in [Owner::new(&other, &record), Owner::new(&account, &other)] {
            if stranger != owner {
                let refused = matches!(ring.open(&stranger, &sealed), Err(OpenError::Changed { .. }));
                prop_assert!(refused, "{}", stranger);
            }
        }
    }
}

#[test]
fn a_change_of_any_byte_is_refused() {
    let ring = KeyRing::generate().unwrap();
    let owner = owner("acc-1", "cred-1");
    let sealed = ring.seal(&owner, b"password").unwrap();
    for at in 0..sealed.as_bytes().len() {
        for bit in 0..8 {
            let mut bytes = sealed.as_bytes().to_vec();
            bytes[at] ^= 1 << bit;
            let Ok(changed) = Sealed::from_bytes(bytes) else { continue };
            assert!(ring.open(&owner, &changed).is_err(), "byte {at}, bit {bit}");
        }
    }
    for length in 0..sealed.as_bytes().len() {
        let cut = Sealed::from_bytes(sealed.as_bytes()[..length].to_vec());
        assert!(cut.is_err() || ring.open(&owner, &cut.unwrap()).is_err(), "cut to {length}");
    }
    let longer = Sealed::from_bytes([sealed.as_bytes(), b"\0"].concat()).unwrap();
    assert!(ring.open(&owner, &longer).is_err());
}

/// The ids lie one behind the other in the associated data: where one ends counts too.
#[test]
fn sealed_values_cannot_change_places() {
    let ring = KeyRing::generate().unwrap();
    let sealed = ring.seal(&owner("ab", "c"), b"password").unwrap();
    for (account, record) in [("a", "bc"), ("abc", ""), ("", "abc"), ("c", "ab"), ("ab", "d")] {
        let opened = ring.open(&owner(account, record), &sealed);
        assert!(matches!(opened, Err(OpenError::Changed { .. })), "{account}/{record}");
    }
}

#[test]
fn after_a_rotation_old_secrets_open_and_are_sealed_anew_once() {
    let (old, owner) = (KeyRing::generate().unwrap(), owner("acc-1", "cred-1"));
    let sealed = old.seal_text(&owner, &SecretString::from("password")).unwrap();
    let both = old.rotated().unwrap();
    assert_eq!(both.ids().collect::<Vec<_>>(), [both.active(), old.active()]);
    let anew = both.reseal(&owner, &sealed).unwrap().unwrap();
    assert_eq!((anew.key_id(), sealed.key_id()), (both.active(), old.active()));
    assert_eq!(both.reseal(&owner, &anew), Ok(None));
    let new = both.only_active();
    assert_eq!(new.open_text(&owner, &anew).unwrap().expose_secret(), "password");
    let error = new.open_text(&owner, &sealed).unwrap_err();
    assert_eq!(error, OpenError::UnknownKey { key: old.active(), owner });
    assert!(error.to_string().contains(&old.active().to_string()), "{error}");
}

#[test]
fn a_ring_holds_no_more_keys_than_a_file_may() {
    let mut ring = KeyRing::generate().unwrap();
    while let Ok(rotated) = ring.rotated() {
        ring = rotated;
    }
    assert_eq!(ring.ids().count(), MOST_KEYS);
    assert_eq!(KeyRing::parse(&ring.to_text()).unwrap().ids().count(), MOST_KEYS);
    let one_more = text(&ring) + KeyRing::generate().unwrap().active.to_text().as_str();
    assert_eq!(KeyRing::parse(&one_more.into()).unwrap_err(), KeyTextError::TooMany);
}

#[test]
fn nothing_secret_is_printed() {
    let ring = KeyRing::generate().unwrap();
    let key = ring.active.to_text();
    let sealed = ring.seal(&owner("a", "r"), b"password").unwrap();
    let printed = format!("{ring:?} {sealed:?} {:?}", ring.open(&owner("a", "r"), &sealed));
    assert!(!printed.contains(key.as_str()) && !printed.contains("password"), "{printed}");
    let wrong = format!("{}\n{}x\n", key.as_str(), key.as_str());
    let error = KeyRing::parse(&wrong.into()).unwrap_err();
    assert_eq!(error, KeyTextError::Line { line: 2 });
    assert!(!error.to_string().contains(key.as_str()));
}

#[test]
fn texts_are_read_as_documented() {
    let ring = KeyRing::generate().unwrap();
    let key = ring.active.to_text();
    let read =
        KeyRing::parse(&format!("# mine\r\n\n  {} \r\n#{}\n", key.as_str(), key.as_str()).into()).unwrap();
    assert_eq!(read.ids().collect::<Vec<_>>(), [ring.active()]);
    for (text, error) in [
        (String::new(), KeyTextError::None),
        ("# nothing\n\n".to_owned(), KeyTextError::None),
        ("AAAA".to_owned(), KeyTextError::Line { line: 1 }),
        (format!("\n{}", key.trim_end_matches('=')), KeyTextError::Line { line: 2 }),
        // 33 bytes.
        ("A".repeat(44), KeyTextError::Line { line: 1 }),
        ("é".repeat(22), KeyTextError::Line { line: 1 }),
        (format!("{0}\n{0}", key.as_str()), KeyTextError::Twice { id: ring.active(), line: 2 }),
    ] {
        assert_eq!(KeyRing::parse(&text.into()).unwrap_err(), error);
    }
}

/// What is sealed today must open in years: the form and the key's id are fixed by this.
#[test]
fn the_form_is_as_documented() {
    let ring = KeyRing::parse(&format!("{}=", "A".repeat(43)).into()).unwrap();
    assert_eq!(ring.active().to_string(), "026a2c1d10526c58");
    let bytes = hex::decode(GOLDEN).unwrap();
    let sealed = Sealed::from_bytes(bytes).unwrap();
    let opened = ring.open_text(&owner("acc-1", "cred-1"), &sealed).unwrap();
    assert_eq!(opened.expose_secret(), "password");
}

/// `password` of account `acc-1`, record `cred-1`, under a key of zeros.
const GOLDEN: &str =
    "01026a2c1d10526c58c2e6d82251dbef1183a20382f4a90e900ad954f3fe036f3ab5715820a18916eb53b156ec";

#[test]
fn secrets_have_a_longest_length() {
    let (ring, owner) = (KeyRing::generate().unwrap(), owner("a", "r"));
    let sealed = ring.seal(&owner, &vec![7; LONGEST_SECRET]).unwrap();
    assert!(Sealed::from_bytes(sealed.as_bytes().to_vec()).is_ok());
    assert_eq!(ring.seal(&owner, &vec![7; LONGEST_SECRET + 1]), Err(SealError::TooLong(LONGEST_SECRET + 1)));
    let long = vec![1; sealed.as_bytes().len() + 1];
    assert_eq!(Sealed::from_bytes(long.clone()), Err(EnvelopeError::Length(long.len())));
}

#[test]
fn any_bytes_end() {
    let (ring, owner) = (KeyRing::generate().unwrap(), owner("a", "r"));
    bolero::check!().with_max_len(200).for_each(|bytes: &[u8]| {
        if let Ok(sealed) = Sealed::from_bytes(bytes.to_vec()) {
            assert!(ring.open(&owner, &sealed).is_err());
        }
        // The same where the head is right and only the rest is not.
        let ours = [Sealed::head_of(ring.active()).as_slice(), bytes].concat();
        if let Ok(sealed) = Sealed::from_bytes(ours) {
            assert!(matches!(ring.open(&owner, &sealed), Err(OpenError::Changed { .. })));
        }
        let text = String::from_utf8_lossy(bytes).into_owned();
        let _ = KeyRing::parse(&SecretString::from(text));
    });
}

#[test]
fn a_file_is_made_once_for_its_owner_alone_and_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret.key");
    let made = KeyRing::read_or_create(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(KeyRing::read_or_create(&path).unwrap().active(), made.active());
    let rotated = made.rotated().unwrap();
    rotated.write(&path).unwrap();
    let read = KeyRing::read(&path).unwrap();
    assert!(read.ids().eq([rotated.active(), made.active()]));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    // No temporary is left.
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn processes_that_make_it_at_once_get_the_same_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret.key");
    let rings: Vec<KeyId> = std::thread::scope(|scope| {
        let make = || KeyRing::read_or_create(&path).unwrap().active();
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(rings.iter().all(|id| *id == rings[0]), "{rings:?}");
}

#[test]
fn files_that_others_can_reach_or_that_are_none_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret.key");
    assert!(matches!(KeyRing::read(&path), Err(KeyFileError::Read { .. })));
    KeyRing::generate().unwrap().write(&path).unwrap();
    for mode in [0o640, 0o604, 0o620, 0o601, 0o660] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let error = KeyRing::read_or_create(&path).unwrap_err();
        assert!(error.to_string().contains(&format!("its mode is {mode:o}")), "{error}");
    }
    fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
    assert!(KeyRing::read(&path).is_ok());
    assert!(matches!(KeyRing::read(folder.path()), Err(KeyFileError::NoKeyFile { .. })));
    assert!(matches!(KeyRing::read("/dev/zero".as_ref()), Err(KeyFileError::NoKeyFile { .. })));
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    fs::write(&path, vec![b'#'; 70_000]).unwrap();
    assert!(matches!(KeyRing::read(&path), Err(KeyFileError::NoKeyFile { .. })));
    fs::write(&path, "nonsense\n").unwrap();
    assert!(matches!(KeyRing::read(&path), Err(KeyFileError::Text { .. })));
}
