use super::*;
use std::sync::Arc;
use std::sync::Mutex;

#[test]
fn takes_as_many_as_the_peer_allows() {
    let quota = StreamQuota::new(2);
    assert!(quota.try_acquire() && quota.try_acquire() && !quota.try_acquire());
    assert_eq!(quota.in_use(), 2);
    quota.release();
    assert_eq!(quota.in_use(), 1);
    assert!(quota.try_acquire());
}

#[tokio::test]
async fn waiting_calls_go_in_order() {
    let quota = Arc::new(StreamQuota::new(0));
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut calls = Vec::new();
    for n in 0..5 {
        let (quota, order) = (Arc::clone(&quota), Arc::clone(&order));
        calls.push(tokio::spawn(async move {
            quota.acquire().await.unwrap();
            order.lock().unwrap().push(n);
            quota.release();
        }));
        tokio::task::yield_now().await;
    }
    assert!(!quota.try_acquire(), "nobody overtakes");
    quota.set_max(1);
    for call in calls {
        call.await.unwrap();
    }
    assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3, 4]);
    assert!(quota.try_acquire());
}

#[tokio::test]
async fn a_call_that_goes_leaves_the_order_of_the_others() {
    let quota = Arc::new(StreamQuota::new(1));
    assert!(quota.try_acquire());
    let (sender, mut went) = tokio::sync::mpsc::unbounded_channel();
    for n in 0..5 {
        let (quota, sender) = (Arc::clone(&quota), sender.clone());
        tokio::spawn(async move {
            quota.acquire().await.unwrap();
            sender.send(n).unwrap();
        });
        tokio::task::yield_now().await;
    }
    for n in 0..5 {
        quota.release();
        assert_eq!(went.recv().await, Some(n));
    }
}

#[test]
fn a_lowered_limit_counts_the_streams_that_run() {
    let quota = StreamQuota::new(3);
    assert!(quota.try_acquire() && quota.try_acquire());
    quota.set_max(1);
    assert_eq!(quota.in_use(), 2, "those that run are not fewer for it");
    assert!(!quota.try_acquire());
    quota.release();
    assert_eq!(quota.in_use(), 1);
    assert!(!quota.try_acquire(), "one runs, and one is the limit");
    quota.set_max(2);
    assert!(quota.try_acquire() && !quota.try_acquire());
    quota.set_max(usize::MAX);
    assert!(quota.try_acquire());
    quota.set_max(0);
    for _ in 0..3 {
        quota.release();
    }
    assert!(!quota.try_acquire());
}

#[tokio::test]
async fn one_release_wakes_as_many_as_there_is_room_for() {
    let quota = Arc::new(StreamQuota::new(0));
    let calls: Vec<_> = (0..3)
        .map(|_| {
            let quota = Arc::clone(&quota);
            tokio::spawn(async move { quota.acquire().await })
        })
        .collect();
    tokio::task::yield_now().await;
    quota.set_max(3);
    for call in calls {
        assert_eq!(call.await.unwrap(), Ok(()));
    }
}

#[tokio::test]
async fn a_call_that_gives_up_passes_its_turn_on() {
    let quota = Arc::new(StreamQuota::new(1));
    assert!(quota.try_acquire());
    let spawn = || {
        let quota = Arc::clone(&quota);
        tokio::spawn(async move { quota.acquire().await })
    };
    let (first, second) = (spawn(), spawn());
    tokio::task::yield_now().await;
    quota.release();
    first.abort();
    assert!(first.await.is_err());
    assert_eq!(second.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn closing_sends_the_waiting_away() {
    let quota = Arc::new(StreamQuota::new(0));
    let waiting = {
        let quota = Arc::clone(&quota);
        tokio::spawn(async move { quota.acquire().await })
    };
    tokio::task::yield_now().await;
    quota.close();
    assert_eq!(waiting.await.unwrap(), Err(Closed));
    assert_eq!(quota.acquire().await, Err(Closed));
}
