//! Names, and the pauses after failures.

use jiff::Timestamp;

use keyspaces_credential_protocol::*;

#[test]
fn a_service_user_name_is_what_iam_gives_out_and_nothing_else() {
    let longest = "u".repeat(200);
    for good in ["orders-app-at-111122223333", "a", "A_b+c=d,e.f@g-h", longest.as_str()] {
        let parsed = ServiceUserName::parse(good).unwrap();
        assert_eq!((parsed.as_str(), parsed.to_string().as_str()), (good, good));
    }
    let too_long = "u".repeat(201);
    for bad in ["", "a b", "ü", "a/b", "a\n", too_long.as_str()] {
        let invalid = ServiceUserName::parse(bad).unwrap_err();
        assert!(invalid.to_string().contains("service user name"), "{invalid}");
        assert!(invalid.to_string().contains("1 to 200 characters"), "{invalid}");
    }
}

#[test]
fn a_first_pause_is_up_to_a_quarter_longer_so_that_resources_do_not_come_back_together() {
    for (class, first) in [(Class::Transient, 1_000), (Class::Terminal, 15_000)] {
        let pauses = || {
            (0..100_000).map(|seed| {
                let failures = failed(None, class, seed, Timestamp::UNIX_EPOCH);
                failures.next.duration_since(Timestamp::UNIX_EPOCH).as_millis()
            })
        };
        assert_eq!((pauses().min(), pauses().max()), (Some(first), Some(first + first / 4)));
    }
}

#[test]
fn an_epoch_is_a_number_that_an_attempt_can_reach() {
    for good in [0, 1, 9_007_199_254_740_992] {
        assert_eq!(Epoch::parse(good), Ok(Epoch(good)));
    }
    assert_eq!(Epoch::parse(9_007_199_254_740_993_u64).map_err(|invalid| invalid.kind), Err("epoch"));
    assert!(Epoch::parse(-1).is_err());
}
