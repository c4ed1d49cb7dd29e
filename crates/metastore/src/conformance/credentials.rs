use model::{CacheId, ImageCache};

use super::{at, cache_named, waiting_build_of};
use crate::{Admission, CacheEdit, CredentialOwner, Metastore, SealedCredential};

fn sealed(registry: &str, bytes: &[u8]) -> SealedCredential {
    SealedCredential { registry: registry.parse().unwrap(), sealed: bytes.to_vec() }
}

async fn with(store: &dyn Metastore, credentials: &[SealedCredential]) -> (ImageCache, CredentialOwner) {
    let cache = cache_named("web", at(0));
    let admission = Admission { credentials: credentials.to_vec(), ..Admission::default() };
    store.create_cache(&cache, &waiting_build_of(&cache, at(0)), &admission, &[]).await.unwrap();
    let owner = CredentialOwner::Cache(cache.id);
    (cache, owner)
}

pub async fn come_and_go_with_the_cache(store: &dyn Metastore) {
    let two = [sealed("b.example:5000", &[0, 255, 1]), sealed("a.example", b"secret")];
    let (cache, owner) = with(store, &two).await;
    assert_eq!(store.credentials(owner).await.unwrap(), [two[1].clone(), two[0].clone()], "by registry");
    assert_eq!(store.credentials(CredentialOwner::Cache(CacheId::generate())).await.unwrap(), []);
    let update = async |credentials: Option<Vec<SealedCredential>>| {
        let edit = CacheEdit { credentials, ..CacheEdit::default() };
        store.update_cache(cache.id, &edit, None, None, &[], at(1)).await.unwrap();
        store.credentials(owner).await.unwrap()
    };
    assert_eq!(update(None).await.len(), 2);
    let one = sealed("c.example", b"new");
    assert_eq!(update(Some(vec![one.clone()])).await, std::slice::from_ref(&one));
    assert_eq!(update(Some(Vec::new())).await, []);
    update(Some(vec![one])).await;
    store.delete_cache(cache.id, &[]).await.unwrap();
    assert_eq!(store.credentials(owner).await.unwrap(), []);
    assert_eq!(store.credential_owners(None, 9).await.unwrap(), []);
}

pub async fn are_resealed_once(store: &dyn Metastore) {
    let old = [sealed("a.example", b"old a"), sealed("b.example", b"old b")];
    let (_, owner) = with(store, &old).await;
    let new = [sealed("a.example", b"new a"), sealed("b.example", b"new b")];
    let reversed = [old[1].clone(), old[0].clone()];
    assert!(!store.reseal_credentials(owner, &old[..1], &new).await.unwrap(), "these are not all");
    assert!(!store.reseal_credentials(owner, &new, &old).await.unwrap());
    assert_eq!(store.credentials(owner).await.unwrap(), old);
    assert!(store.reseal_credentials(owner, &reversed, &new).await.unwrap());
    assert!(!store.reseal_credentials(owner, &old, &new).await.unwrap(), "somebody was first");
    assert_eq!(store.credentials(owner).await.unwrap(), new);
}

pub async fn are_listed_by_owner(store: &dyn Metastore) {
    let mut owners = Vec::new();
    for _ in 0..3 {
        owners.push(with(store, &[sealed("a.example", b"x"), sealed("b.example", b"y")]).await.1);
    }
    with(store, &[]).await;
    assert_eq!(store.credential_owners(None, 9).await.unwrap(), owners);
    assert_eq!(store.credential_owners(None, 2).await.unwrap(), owners[..2]);
    assert_eq!(store.credential_owners(Some(owners[1]), 2).await.unwrap(), owners[2..]);
}

pub async fn are_never_shown(store: &dyn Metastore) {
    let (cache, owner) = with(store, &[sealed("a.example", b"SECRET")]).await;
    let read = store.credentials(owner).await.unwrap();
    let admission = Admission { credentials: read.clone(), ..Admission::default() };
    let edit = CacheEdit { credentials: Some(read.clone()), ..CacheEdit::default() };
    for shown in [format!("{read:?}"), format!("{admission:?}"), format!("{edit:?}"), format!("{cache:?}")] {
        assert!(!shown.contains("SECRET") && !shown.contains(&format!("{:?}", b"SECRET")), "{shown}");
    }
}
