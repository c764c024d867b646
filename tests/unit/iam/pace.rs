//! How often IAM is asked: no window of time holds more turns than burst and rate allow.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::*;

const RATE: Rate = Rate { per_second: 5.0, burst: 10 };

fn after(start: Instant, milliseconds: u64) -> Instant {
    start + Duration::from_millis(milliseconds)
}

/// How many turns somebody gets who asks every millisecond.
fn taken(bucket: &mut Bucket, start: Instant, from: u64, until: u64) -> usize {
    (from..until).filter(|&at| bucket.take(after(start, at)).is_ok()).count()
}

#[test]
fn after_a_pause_there_is_one_burst_and_then_the_rate() {
    let start = Instant::now();
    let mut bucket = Bucket::new(RATE, start);
    assert_eq!(taken(&mut bucket, start, 0, 1), 1);
    assert_eq!(taken(&mut bucket, start, 1, 100), 9, "the rest of the burst");
    assert!((48..=51).contains(&taken(&mut bucket, start, 100, 10_100)), "five a second");
    assert_eq!(taken(&mut bucket, start, 1_000_000, 1_000_100), 10, "a pause of any length gives one burst");
}

#[test]
fn in_no_window_are_there_more_than_burst_and_rate_allow() {
    let start = Instant::now();
    let mut bucket = Bucket::new(RATE, start);
    // Callers that take all they get, with pauses of all lengths.
    let times: Vec<u64> =
        (0..60_000).filter(|at| at / 1_000 % 7 < 5).filter(|&at| bucket.take(after(start, at)).is_ok()).collect();
    for (index, first) in times.iter().enumerate() {
        for (count, last) in times[index..].iter().enumerate() {
            let allowed = 10 + (last - first) * 5 / 1_000 + 1;
            assert!(u64::try_from(count).unwrap() < allowed, "{count} after {first} until {last}");
        }
    }
}

#[test]
fn who_is_told_a_wait_gets_a_turn_after_it() {
    let start = Instant::now();
    let mut bucket = Bucket::new(RATE, start);
    taken(&mut bucket, start, 0, 10);
    let wait = bucket.take(after(start, 20)).unwrap_err();
    assert!(bucket.take(after(start, 20) + wait + Duration::from_millis(1)).is_ok());
}

#[test]
fn throttling_halves_the_speed_once_for_all_that_was_under_way_and_it_comes_back() {
    let start = Instant::now();
    let mut bucket = Bucket::new(RATE, start);
    let turns: Vec<_> = (0..8).map(|_| bucket.take(start).unwrap()).collect();
    for turn in &turns {
        bucket.throttled(turn.given_at, after(start, 50));
    }
    assert_eq!(taken(&mut bucket, start, 50, 400), 0, "nothing is left of the burst");
    assert!((bucket.speed(after(start, 50)) - 2.5).abs() < 0.01);
    assert!(
        (bucket.speed(after(start, 15_050)) - 3.75).abs() < 0.01,
        "half of what was lost, in a quarter of a minute"
    );
    assert!((bucket.speed(after(start, 60_000)) - 5.0).abs() < 0.01);
}

#[test]
fn it_never_comes_to_a_standstill() {
    let start = Instant::now();
    let mut bucket = Bucket::new(RATE, start);
    for second in 1..60 {
        bucket.throttled(after(start, second * 10), after(start, second * 10));
    }
    assert!(bucket.speed(after(start, 600)) >= RATE.per_second / 16.0);
    assert!(bucket.interval(after(start, 600)) <= Duration::from_secs(4));
}

#[test]
fn a_thousand_looks_without_need_are_told_times_of_their_own() {
    let start = Instant::now();
    let mut bucket = Bucket::new(RATE, start);
    let mut waits: Vec<_> = (0..1_000).filter_map(|_| bucket.spare(false, start).err()).collect();
    assert_eq!(waits.len(), 990, "a burst is free");
    assert!(waits.is_sorted());
    waits.dedup();
    assert_eq!(waits.len(), 990);
    assert!(waits[989] <= Duration::from_secs(199), "{:?}", waits[989]);
}

#[test]
fn a_look_without_need_takes_nothing_that_somebody_waits_for() {
    let start = Instant::now();
    let mut bucket = Bucket::new(RATE, start);
    assert!(bucket.spare(true, start).is_err());
    assert!(bucket.spare(false, start).is_ok());
}

#[tokio::test]
async fn changes_go_before_looks_and_each_line_is_in_order() {
    let pace = Arc::new(Pace::new(Rate { per_second: 50.0, burst: 1 }));
    // Nobody gets a turn before all of them stand in line.
    let (standing, in_front) = (pace.changes.enter(), pace.changes.head.lock().await);
    let order = Arc::new(AtomicU64::new(0));
    let mut waiting = Vec::new();
    for urgency in [Urgency::Look, Urgency::Look, Urgency::Change, Urgency::Change] {
        let (their_pace, their_order) = (Arc::clone(&pace), Arc::clone(&order));
        waiting.push(tokio::spawn(async move {
            let _turn = their_pace.turn(urgency).await;
            their_order.fetch_add(1, Ordering::SeqCst)
        }));
        // Wait until this one stands in line, so that the order is known.
        while pace.looks.waiting.load(Ordering::Relaxed) + pace.changes.waiting.load(Ordering::Relaxed) <= waiting.len()
        {
            tokio::task::yield_now().await;
        }
    }
    assert!(pace.spare().is_err(), "nothing to spare while others wait");
    drop((standing, in_front));
    let mut got = Vec::new();
    for one in waiting {
        got.push(one.await.unwrap());
    }
    assert_eq!(got, [2, 3, 0, 1]);
}

#[tokio::test]
async fn a_wait_that_is_given_up_leaves_the_line() {
    let pace = Pace::new(Rate { per_second: 0.1, burst: 1 });
    let _only_one = pace.turn(Urgency::Change).await;
    tokio::select! {
        biased;
        _ = pace.turn(Urgency::Change) => panic!("ten seconds early"),
        () = tokio::task::yield_now() => {}
    }
    assert!(pace.changes.is_empty());
    assert!(pace.changes.head.try_lock().is_ok());
}
