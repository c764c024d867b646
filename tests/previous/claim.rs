//! Who may have an IAM user: one resource, the oldest of those whose namespace is granted the user.
//!
//! Two resources on one user would each see the other's credentials as unknown ids that appear in its own windows. Each
//! resource therefore reads all claims after it recorded its intent: of two that race, at least one sees the other.
//!
//! A grant only says who goes first, for grants are not read in the same moment as the claims. What keeps two from creating
//! at once are the open windows, and those count whoever has them.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::facts::Claim;
use crate::names::CredentialId;

/// A resource that asks for an IAM user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contender {
    /// Its namespace is granted the user. Otherwise it stands in nobody's way, however old it is.
    pub granted: bool,
    /// `metadata.uid`.
    pub uid: String,
    /// `metadata.creationTimestamp`, whole seconds.
    pub created_at: Timestamp,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// It has an operation open and may create a credential at any moment, or one is over whose credential may still show up.
    pub operating: bool,
    /// The credentials that its status calls current and retiring.
    pub holds: BTreeSet<CredentialId>,
}

/// The claim of `me` among all `contenders` for the same IAM user, `me` included or not.
#[must_use]
pub fn claim(me: &Contender, contenders: &[Contender]) -> Claim {
    // Creation times are whole seconds; the uid makes the order total, so that two resources never both lose or both win.
    let seniority = |contender: &Contender| (!contender.granted, contender.created_at, contender.uid.clone());
    let others = || contenders.iter().filter(|other| other.uid != me.uid);
    let better = || others().filter(|other| other.granted && seniority(other) < seniority(me));
    if let Some(winner) = better().min_by_key(|other| seniority(other)) {
        let winner = (winner.namespace == me.namespace).then(|| winner.name.clone());
        let theirs = better().flat_map(|other| other.holds.iter().cloned()).collect();
        return Claim::Lost { winner, theirs };
    }
    if others().any(|other| other.operating) {
        return Claim::Contested;
    }
    Claim::Won
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    fn contender(uid: &str, age: i64, namespace: &str) -> Contender {
        Contender {
            granted: true,
            uid: uid.to_owned(),
            created_at: Timestamp::UNIX_EPOCH - jiff::SignedDuration::from_secs(age),
            namespace: namespace.to_owned(),
            name: format!("name-of-{uid}"),
            operating: false,
            holds: BTreeSet::new(),
        }
    }

    fn lost(winner: Option<&str>) -> Claim {
        Claim::Lost { winner: winner.map(str::to_owned), theirs: BTreeSet::new() }
    }

    #[test]
    fn the_oldest_wins_and_its_name_stays_inside_its_namespace() {
        let (old, young, far) = (contender("a", 10, "shop"), contender("b", 5, "shop"), contender("c", 1, "bank"));
        let all = [old.clone(), young.clone(), far.clone()];
        assert_eq!(claim(&old, &all), Claim::Won);
        assert_eq!(claim(&young, &all), lost(Some("name-of-a")));
        assert_eq!(claim(&far, &all), lost(None));
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

    #[test]
    fn one_that_is_not_granted_the_user_stands_in_nobodys_way_but_with_an_open_operation() {
        let squatter = Contender { granted: false, ..contender("a", 10, "evil") };
        let young = contender("b", 5, "shop");
        assert_eq!(claim(&young, &[squatter.clone(), young.clone()]), Claim::Won);
        assert_eq!(claim(&squatter, &[squatter.clone(), young.clone()]), lost(None));
        let operating = Contender { operating: true, ..squatter };
        assert_eq!(claim(&young, &[operating, young.clone()]), Claim::Contested);
    }

    #[test]
    fn what_those_of_a_better_right_call_theirs_is_told_and_what_others_say_is_not() {
        let id = |last: char| CredentialId::parse(format!("ACCA1234567890123456{last}")).unwrap();
        let old = Contender { holds: [id('A')].into(), ..contender("a", 10, "shop") };
        let young = Contender { holds: [id('B')].into(), ..contender("b", 5, "shop") };
        let squatter = Contender { granted: false, holds: [id('A'), id('C')].into(), ..contender("c", 20, "evil") };
        let all = [old.clone(), young.clone(), squatter.clone()];
        assert_eq!(claim(&old, &all), Claim::Won);
        assert!(matches!(claim(&young, &all), Claim::Lost { theirs, .. } if theirs == [id('A')].into()));
        assert!(matches!(claim(&squatter, &all), Claim::Lost { theirs, .. } if theirs == [id('A'), id('B')].into()));
    }
}
