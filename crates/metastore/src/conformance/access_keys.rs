use model::{AccessKey, AccessKeyId, AccessKeyStatus, Account, AccountId, SealedSecret};

use super::{account, at};
use crate::{Error, Metastore};

fn key(name: &str, owner: &AccountId, second: i64) -> AccessKey {
    AccessKey {
        id: id(name),
        account: owner.clone(),
        secret: SealedSecret::from_bytes(vec![1, 0, 255, 3]),
        status: AccessKeyStatus::Enabled,
        policy: r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"ü"}]}"#.to_owned(),
        label: "for the \"build\" server".to_owned(),
        created: at(second),
        last_used: None,
    }
}

fn id(name: &str) -> AccessKeyId {
    format!("LTAI{name:A>20}").parse().unwrap()
}

async fn make_account(store: &dyn Metastore, name: &str) -> AccountId {
    let made = Account { id: account(name), label: "the \0 shop".to_owned(), created: at(3) };
    store.create_account(&made).await.unwrap();
    made.id
}

pub async fn belong_to_accounts(store: &dyn Metastore) {
    let shop = account("shop");
    let refused = store.create_access_key(&key("a", &shop, 0)).await;
    assert!(matches!(&refused, Err(Error::NoAccount(id)) if *id == shop), "{refused:?}");
    assert_eq!(store.access_key(&id("a")).await.unwrap(), None);
    make_account(store, "shop").await;
    store.create_access_key(&key("a", &shop, 0)).await.unwrap();
    store.create_access_key(&key("b", &AccountId::local(), 0)).await.unwrap();
}

pub async fn accounts_are_there_once(store: &dyn Metastore) {
    let local = Account::local();
    assert_eq!(store.accounts().await.unwrap(), std::slice::from_ref(&local));
    assert_eq!(store.account(&local.id).await.unwrap(), Some(local.clone()));
    let (zoo, big) = (make_account(store, "zoo").await, make_account(store, "a-b").await);
    let made = |id: AccountId| Account { id, label: "the \u{fffd} shop".to_owned(), created: at(3) };
    assert_eq!(store.account(&zoo).await.unwrap(), Some(made(zoo.clone())));
    assert_eq!(store.account(&account("none")).await.unwrap(), None);
    assert_eq!(store.accounts().await.unwrap(), [made(big), local.clone(), made(zoo.clone())]);
    for taken in [made(zoo), local] {
        let refused = store.create_account(&Account { created: at(9), ..taken.clone() }).await;
        assert!(matches!(&refused, Err(Error::AccountTaken(id)) if *id == taken.id), "{refused:?}");
        assert_eq!(store.account(&taken.id).await.unwrap(), Some(taken));
    }
}

pub async fn come_and_go(store: &dyn Metastore) {
    let one = key("a", &AccountId::local(), 0);
    store.create_access_key(&one).await.unwrap();
    assert_eq!(store.access_key(&one.id).await.unwrap(), Some(one.clone()));
    let taken = store.create_access_key(&AccessKey { policy: "{}".to_owned(), ..one.clone() }).await;
    assert!(matches!(taken, Err(Error::Conflict { object: "access key", .. })), "{taken:?}");
    // Ids are told apart to the letter.
    let other: AccessKeyId = one.id.as_str().to_lowercase().parse().unwrap();
    assert_eq!(store.access_key(&other).await.unwrap(), None);
    assert_eq!(store.delete_access_key(&one.id).await.unwrap(), Some(one.clone()));
    assert_eq!(store.delete_access_key(&one.id).await.unwrap(), None);
    assert_eq!(store.access_key(&one.id).await.unwrap(), None);
}

pub async fn are_labelled_as_every_database_holds(store: &dyn Metastore) {
    let one = AccessKey { label: "odd \0 label".to_owned(), ..key("a", &AccountId::local(), 0) };
    store.create_access_key(&one).await.unwrap();
    let kept = AccessKey { label: "odd \u{fffd} label".to_owned(), ..one };
    assert_eq!(store.access_key(&kept.id).await.unwrap(), Some(kept));
}

pub async fn are_enabled_and_disabled(store: &dyn Metastore) {
    let one = key("a", &AccountId::local(), 0);
    store.create_access_key(&one).await.unwrap();
    use AccessKeyStatus::{Disabled, Enabled};
    for status in [Disabled, Disabled, Enabled] {
        let changed = AccessKey { status, ..one.clone() };
        assert_eq!(store.set_access_key_status(&one.id, status).await.unwrap(), Some(changed.clone()));
        assert_eq!(store.access_key(&one.id).await.unwrap(), Some(changed));
    }
    assert_eq!(store.set_access_key_status(&id("z"), Disabled).await.unwrap(), None);
}

pub async fn are_listed_by_account_and_page(store: &dyn Metastore) {
    let (a, local) = (make_account(store, "a").await, AccountId::local());
    let keys = [key("1", &a, 9), key("2", &local, 5), key("3", &a, 1)];
    for key in [&keys[2], &keys[0], &keys[1]] {
        store.create_access_key(key).await.unwrap();
    }
    assert_eq!(store.access_keys(None, None, 9).await.unwrap(), keys, "in order of the ids");
    assert_eq!(store.access_keys(None, Some(&keys[0].id), 9).await.unwrap(), keys[1..]);
    assert_eq!(store.access_keys(None, Some(&keys[2].id), 9).await.unwrap(), []);
    assert_eq!(store.access_keys(Some(&a), None, 9).await.unwrap(), [keys[0].clone(), keys[2].clone()]);
    assert_eq!(store.access_keys(Some(&a), Some(&keys[1].id), 9).await.unwrap(), keys[2..]);
    assert_eq!(store.access_keys(Some(&account("none")), None, 9).await.unwrap(), []);
    assert_eq!(store.access_keys(None, Some(&keys[0].id), 1).await.unwrap(), keys[1..2]);
}

pub async fn are_used_by_the_hour(store: &dyn Metastore) {
    let one = key("a", &AccountId::local(), 0);
    store.create_access_key(&one).await.unwrap();
    let hour = |second: i64| {
        let micros = at(second).as_micros();
        model::Timestamp::from_micros(micros - micros.rem_euclid(3600 * 1_000_000))
    };
    for (now, used) in [(5000, 5000), (5001, 5000), (20_000, 20_000), (5000, 20_000)] {
        store.touch_access_key(&one.id, at(now)).await.unwrap();
        assert_eq!(store.access_key(&one.id).await.unwrap().unwrap().last_used, Some(hour(used)));
    }
    store.touch_access_key(&id("z"), at(5)).await.unwrap();
}

pub async fn are_resealed_once(store: &dyn Metastore) {
    let one = key("a", &AccountId::local(), 0);
    store.create_access_key(&one).await.unwrap();
    let anew = SealedSecret::from_bytes(vec![2; 40]);
    assert!(store.reseal_access_key(&one.id, &one.secret, &anew).await.unwrap());
    let resealed = AccessKey { secret: anew.clone(), ..one.clone() };
    assert_eq!(store.access_key(&one.id).await.unwrap(), Some(resealed.clone()));
    let other = SealedSecret::from_bytes(vec![3; 40]);
    assert!(!store.reseal_access_key(&one.id, &one.secret, &other).await.unwrap());
    assert!(!store.reseal_access_key(&id("z"), &anew, &other).await.unwrap());
    assert_eq!(store.access_key(&one.id).await.unwrap(), Some(resealed));
}

pub async fn are_never_shown(store: &dyn Metastore) {
    let secret = SealedSecret::from_bytes(b"sealed".to_vec());
    let one = AccessKey { secret, ..key("a", &AccountId::local(), 0) };
    store.create_access_key(&one).await.unwrap();
    let shown = format!("{:?}", store.access_key(&one.id).await.unwrap());
    assert!(!shown.contains(&format!("{:?}", b"sealed")), "{shown}");
}
