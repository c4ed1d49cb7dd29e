//! Access keys, and what a cloud said, over the records.

use super::*;

#[tokio::test]
async fn an_access_key_signs_with_what_was_told_until_it_is_disabled_or_deleted() {
    let world = World::of(engine::Settings::default(), Some(Arc::new(PlainVault)));
    let (client, service) = (&world.client, &world.service);
    let account = CreateAccount { id: "shop".parse().unwrap(), label: String::new() };
    client.create_account(&account).await.unwrap();
    assert_eq!(told(client.create_account(&account).await), (ProblemKind::NameTaken, "id".to_owned()));
    let new = CreateAccessKey {
        account: Some(account.id.clone()),
        preset: Some(PolicyPreset::ReadOnly),
        ..CreateAccessKey::default()
    };
    let made = client.create_access_key(&new).await.unwrap();
    let known = service.access_key(&made.key.id).await.unwrap().unwrap();
    assert_eq!((known.secret.expose_secret(), &known.account), (made.secret.as_str(), &account.id));
    assert!(known.is_enabled);
    let allows = |action| known.policy.decide(action, "*", &Tags::default()).is_ok();
    assert!(allows("eci:DescribeImageCaches") && allows("tke:GetMostSuitableImageCache"));
    assert!(!allows("eci:DeleteImageCache") && !allows("tke:CreateImageCache"));

    service.note_key_used(&made.key.id).await.unwrap();
    let listed = client.list_access_keys(Some(&account.id)).await.unwrap().items;
    assert!(listed.len() == 1 && listed[0].last_used.is_some());
    client.set_access_key_status(made.key.id.as_str(), KeyStatus::Disabled).await.unwrap();
    assert!(!service.access_key(&made.key.id).await.unwrap().unwrap().is_enabled);
    client.delete_access_key(made.key.id.as_str()).await.unwrap();
    assert!(service.access_key(&made.key.id).await.unwrap().is_none());
    service.note_key_used(&made.key.id).await.unwrap();

    let nobodys = CreateAccessKey { account: Some("none".parse().unwrap()), ..CreateAccessKey::default() };
    assert_eq!(told(client.create_access_key(&nobodys).await), (ProblemKind::NotFound, "account".to_owned()));
    let unsealed = World::new().client.create_access_key(&CreateAccessKey::default()).await;
    assert_eq!(told(unsealed), (ProblemKind::Unsupported, String::new()));
}

#[tokio::test]
async fn what_a_cloud_said_stays_with_the_record_and_out_of_the_native_documents() {
    let world = World::new();
    let dir = tempfile::tempdir().unwrap();
    let local = AccountId::local();
    let notes = |text: &str| CloudNotes::new(Cloud::Tencent, format!(r#"{{"SubnetId":"{text}"}}"#)).unwrap();
    let new = NewCache {
        name: "Meine Bilder, \u{955c}\u{50cf}".parse().unwrap(),
        origin: Origin::Manual,
        images: vec![layout(dir.path())],
        platform: Platform::linux_amd64(),
        size_limit: None,
        policy: CachePolicy::default(),
        access: RegistryAccess::default(),
        credentials: Vec::new(),
        notes: Some(notes("a")),
    };
    let key = "once".parse().unwrap();
    let made = world.service.request_cache(&local, new.clone(), Some(&key)).await.unwrap();
    assert_eq!(made.view.cache.notes, new.notes);
    assert!(world.service.request_cache(&local, new.clone(), Some(&key)).await.unwrap().before);
    let other = NewCache { notes: Some(notes("b")), ..new.clone() };
    let reused = world.service.request_cache(&local, other, Some(&key)).await.unwrap_err();
    assert_eq!(reused.kind, ServiceErrorKind::KeyReused);
    let update = service::CacheUpdate { notes: Some(notes("c")), ..service::CacheUpdate::default() };
    let word = made.view.cache.id.to_string();
    let updated = world.service.update_cache(&local, &word, update, None).await.unwrap();
    assert_eq!(updated.view.cache.notes, Some(notes("c")));
    // By its name as well, which the native API shows and would not give.
    let shown = world.client.cache(new.name.as_str()).await.unwrap();
    assert_eq!(shown.cache.name, new.name);
    assert!(!serde_json::to_string(&shown).unwrap().contains("SubnetId"));
    let renamed = UpdateCache { name: Some(new.name), ..UpdateCache::default() };
    assert_eq!(
        told(world.client.update_cache(&word, &renamed).await),
        (ProblemKind::InvalidField, "name".to_owned())
    );
}
