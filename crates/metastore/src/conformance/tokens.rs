use model::AccountId;

use super::{account, at};
use crate::{Error, Metastore, TokenId, TokenRecord};

fn token(digest: u8, owner: &AccountId, second: i64) -> TokenRecord {
    TokenRecord {
        digest: [digest; 32],
        account: owner.clone(),
        label: "for the \"build\" server".to_owned(),
        scopes: ["caches:read".to_owned(), "caches:write".to_owned()].into(),
        created: at(second),
        expires: Some(at(1000)),
        revoked: None,
        last_used: None,
    }
}

pub async fn recorded_and_found_by_digest(store: &dyn Metastore) {
    let one = token(1, &account("a"), 0);
    store.create_token(&one).await.unwrap();
    assert_eq!(store.token(&one.digest).await.unwrap(), Some(one.clone()));
    assert_eq!(store.token(&[2; 32]).await.unwrap(), None);
    // The same id is not the same token.
    let mut near = one.digest;
    near[31] = 9;
    assert_eq!(TokenId::of(&near), one.id());
    assert_eq!(store.token(&near).await.unwrap(), None);
    let taken = store.create_token(&TokenRecord { digest: near, ..one.clone() }).await;
    assert!(matches!(taken, Err(Error::Conflict { object: "token", .. })), "{taken:?}");
    assert_eq!(store.token(&one.digest).await.unwrap(), Some(one));
}

pub async fn labelled_as_every_database_holds(store: &dyn Metastore) {
    let one = TokenRecord { label: "odd \0 label".to_owned(), ..token(1, &account("a"), 0) };
    store.create_token(&one).await.unwrap();
    let kept = TokenRecord { label: "odd \u{fffd} label".to_owned(), ..one };
    assert_eq!(store.token(&kept.digest).await.unwrap(), Some(kept));
}

pub async fn revoked_once(store: &dyn Metastore) {
    let one = token(1, &account("a"), 0);
    store.create_token(&one).await.unwrap();
    let revoked = store.revoke_token(&one.id(), at(5)).await.unwrap().unwrap();
    assert_eq!(revoked, TokenRecord { revoked: Some(at(5)), ..one.clone() });
    assert!(!revoked.is_valid(at(6)));
    assert_eq!(store.revoke_token(&one.id(), at(9)).await.unwrap(), Some(revoked.clone()));
    assert_eq!(store.token(&one.digest).await.unwrap(), Some(revoked));
    assert_eq!(store.revoke_token(&TokenId::of(&[7; 32]), at(5)).await.unwrap(), None);
}

pub async fn used_by_the_hour(store: &dyn Metastore) {
    let one = token(1, &account("a"), 0);
    store.create_token(&one).await.unwrap();
    let hour = |second: i64| {
        let micros = at(second).as_micros();
        model::Timestamp::from_micros(micros - micros.rem_euclid(3600 * 1_000_000))
    };
    for (now, used) in [(5000, 5000), (5001, 5000), (20_000, 20_000), (5000, 20_000)] {
        store.touch_token(&one.id(), at(now)).await.unwrap();
        assert_eq!(store.token(&one.digest).await.unwrap().unwrap().last_used, Some(hour(used)));
    }
    store.touch_token(&TokenId::of(&[7; 32]), at(5)).await.unwrap();
}

pub async fn listed_by_account(store: &dyn Metastore) {
    let (a, b) = (account("a"), account("b"));
    let tokens = [token(9, &a, 0), token(1, &b, 1), token(5, &a, 2)];
    for token in [&tokens[2], &tokens[0], &tokens[1]] {
        store.create_token(token).await.unwrap();
    }
    assert_eq!(store.tokens(None).await.unwrap(), tokens, "in order of creation");
    assert_eq!(store.tokens(Some(&a)).await.unwrap(), [tokens[0].clone(), tokens[2].clone()]);
    assert_eq!(store.tokens(Some(&account("c"))).await.unwrap(), []);
}
