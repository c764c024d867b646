//! Who may have an IAM user: one resource, the oldest.
//!
//! Two resources on one user would each see the other's credentials as unknown ids that appear in its own windows. Each
//! resource therefore reads all claims after it recorded its intent: of two that race, at least one sees the other.

use jiff::Timestamp;

use crate::facts::Claim;

/// A resource that asks for an IAM user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contender {
    /// `metadata.uid`.
    pub uid: String,
    /// `metadata.creationTimestamp`, whole seconds.
    pub created_at: Timestamp,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// It has an operation open and may create a credential at any moment.
    pub operating: bool,
}

/// The claim of `me` among all `contenders` for the same IAM user, `me` included or not.
#[must_use]
pub fn claim(me: &Contender, contenders: &[Contender]) -> Claim {
    // Creation times are whole seconds; the uid makes the order total, so that two resources never both lose or both win.
    let seniority = |contender: &Contender| (contender.created_at, contender.uid.clone());
    let others = || contenders.iter().filter(|other| other.uid != me.uid);
    if let Some(winner) = others().filter(|other| seniority(other) < seniority(me)).min_by_key(|other| seniority(other))
    {
        let winner = (winner.namespace == me.namespace).then(|| winner.name.clone());
        return Claim::Lost { winner };
    }
    if others().any(|other| other.operating) {
        return Claim::Contested;
    }
    Claim::Won
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contender(uid: &str, age: i64, namespace: &str) -> Contender {
        Contender {
            uid: uid.to_owned(),
            created_at: Timestamp::UNIX_EPOCH - jiff::SignedDuration::from_secs(age),
            namespace: namespace.to_owned(),
            name: format!("name-of-{uid}"),
            operating: false,
        }
    }

    #[test]
    fn the_oldest_wins_and_its_name_stays_inside_its_namespace() {
        let (old, young, far) = (contender("a", 10, "shop"), contender("b", 5, "shop"), contender("c", 1, "bank"));
        let all = [old.clone(), young.clone(), far.clone()];
        assert_eq!(claim(&old, &all), Claim::Won);
        assert_eq!(claim(&young, &all), Claim::Lost { winner: Some("name-of-a".to_owned()) });
        assert_eq!(claim(&far, &all), Claim::Lost { winner: None });
    }

    #[test]
    fn of_two_made_in_the_same_second_exactly_one_wins() {
        let (one, other) = (contender("a", 3, "shop"), contender("b", 3, "shop"));
        let all = [one.clone(), other.clone()];
        assert_eq!(claim(&one, &all), Claim::Won);
        assert!(matches!(claim(&other, &all), Claim::Lost { .. }));
    }

    #[test]
    fn the_oldest_waits_for_a_younger_one_in_the_middle_of_an_operation() {
        let old = contender("a", 10, "shop");
        let young = Contender { operating: true, ..contender("b", 5, "shop") };
        assert_eq!(claim(&old, &[old.clone(), young]), Claim::Contested);
    }
}
