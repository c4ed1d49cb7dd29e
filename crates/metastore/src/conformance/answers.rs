use model::{AccountId, Timestamp};

use super::{account, at, process};
use crate::{AnswerKey, AnswerRequest, AnswerTurn, Error, Metastore};

fn request(account: &AccountId, operation: &'static str, pid: u32) -> AnswerRequest {
    AnswerRequest {
        key: AnswerKey { account: account.clone(), operation, token: "once".parse().unwrap() },
        fingerprint: [1; 32],
        subject: format!("of {pid}").into_bytes(),
        owner: process(pid),
        kept_until: at(100),
    }
}

fn ours(turn: u32, pid: u32) -> AnswerTurn {
    AnswerTurn::Ours { turn, subject: format!("of {pid}").into_bytes() }
}

fn theirs(turn: u32, pid: u32, beat: Timestamp) -> AnswerTurn {
    AnswerTurn::Theirs { turn, owner: process(pid), beat }
}

pub async fn are_given_once(store: &dyn Metastore) {
    let (a, b) = (account("a"), account("b"));
    let first = request(&a, "start", 1);
    assert_eq!(store.begin_answer(&first, None, at(0)).await.unwrap(), ours(1, 1));
    assert_eq!(store.begin_answer(&request(&a, "start", 2), None, at(1)).await.unwrap(), theirs(1, 1, at(0)));
    // Nothing to another account, or another operation.
    assert_eq!(store.begin_answer(&request(&b, "start", 2), None, at(1)).await.unwrap(), ours(1, 2));
    assert_eq!(store.begin_answer(&request(&a, "delete", 2), None, at(1)).await.unwrap(), ours(1, 2));
    assert!(store.put_answer(&first.key, 1, b"done").await.unwrap());
    assert!(!store.put_answer(&first.key, 1, b"done twice").await.unwrap());
    let again = store.begin_answer(&request(&a, "start", 2), None, at(2)).await.unwrap();
    assert_eq!(again, AnswerTurn::Answered(b"done".to_vec()));
}

pub async fn another_request_with_the_word_is_refused(store: &dyn Metastore) {
    let first = request(&account("a"), "start an instance", 1);
    let other = AnswerRequest { fingerprint: [2; 32], ..first.clone() };
    store.begin_answer(&first, None, at(0)).await.unwrap();
    for is_answered in [false, true] {
        if is_answered {
            assert!(store.put_answer(&first.key, 1, b"done").await.unwrap());
        }
        let refused = store.begin_answer(&other, Some(1), at(1)).await.unwrap_err();
        assert!(
            matches!(&refused, Error::TokenMismatch { operation: "start an instance", .. }),
            "{refused:?}"
        );
    }
}

pub async fn are_taken_up_from_the_dead(store: &dyn Metastore) {
    let a = account("a");
    let (first, second) = (request(&a, "start", 1), request(&a, "start", 2));
    store.begin_answer(&first, None, at(0)).await.unwrap();
    assert!(store.beat_answer(&first.key, 1, at(5)).await.unwrap());
    assert!(store.beat_answer(&first.key, 1, at(4)).await.unwrap(), "and never back");
    assert_eq!(store.begin_answer(&second, None, at(6)).await.unwrap(), theirs(1, 1, at(5)));
    // The subject is that of the first time.
    assert_eq!(store.begin_answer(&second, Some(1), at(7)).await.unwrap(), ours(2, 1));
    let third = request(&a, "start", 3);
    assert_eq!(store.begin_answer(&third, Some(1), at(8)).await.unwrap(), theirs(2, 2, at(7)));
    // Who lost the turn says nothing any more.
    assert!(!store.beat_answer(&first.key, 1, at(9)).await.unwrap());
    assert!(!store.put_answer(&first.key, 1, b"late").await.unwrap());
    store.give_up_answer(&first.key, 1).await.unwrap();
    assert!(store.put_answer(&first.key, 2, b"done").await.unwrap());
    assert!(!store.beat_answer(&first.key, 2, at(9)).await.unwrap());
    store.give_up_answer(&first.key, 2).await.unwrap();
    let told = store.begin_answer(&third, Some(2), at(10)).await.unwrap();
    assert_eq!(told, AnswerTurn::Answered(b"done".to_vec()));
}

pub async fn given_up_are_as_if_they_had_not_come(store: &dyn Metastore) {
    let first = request(&account("a"), "start", 1);
    store.begin_answer(&first, None, at(0)).await.unwrap();
    store.give_up_answer(&first.key, 1).await.unwrap();
    let other = AnswerRequest { fingerprint: [2; 32], ..request(&account("a"), "start", 2) };
    assert_eq!(store.begin_answer(&other, None, at(1)).await.unwrap(), ours(1, 2));
}

pub async fn are_forgotten_in_time(store: &dyn Metastore) {
    let first = request(&account("a"), "start", 1);
    let later = AnswerRequest { kept_until: at(200), ..request(&account("b"), "start", 1) };
    for request in [&first, &later] {
        store.begin_answer(request, None, at(0)).await.unwrap();
        assert!(store.put_answer(&request.key, 1, b"done").await.unwrap());
    }
    let other = AnswerRequest { fingerprint: [2; 32], ..first.clone() };
    assert!(store.begin_answer(&other, None, at(99)).await.is_err());
    assert_eq!(store.begin_answer(&other, None, at(100)).await.unwrap(), ours(1, 1));
    assert_eq!(store.forget_answers(at(100)).await.unwrap(), 1);
    assert_eq!(store.forget_answers(at(100)).await.unwrap(), 0);
    let told = store.begin_answer(&later, None, at(101)).await.unwrap();
    assert_eq!(told, AnswerTurn::Answered(b"done".to_vec()));
}

pub async fn go_to_one_of_many_at_once(store: &dyn Metastore) {
    let asked = [1, 2, 3, 4].map(|pid| request(&account("a"), "start", pid));
    let begin = |place: usize| store.begin_answer(&asked[place], None, at(0));
    let (one, two, three, four) = tokio::join!(begin(0), begin(1), begin(2), begin(3));
    let turns = [one, two, three, four].map(Result::unwrap);
    let got = turns.iter().filter(|turn| matches!(turn, AnswerTurn::Ours { .. })).count();
    assert_eq!(got, 1, "{turns:?}");
}
