//! Randomness of the operating system, for passwords, ids and orders.

/// `length` characters of `alphabet`, each with the same chance.
pub(crate) fn text(alphabet: &[u8], length: usize) -> String {
    (0..length).filter_map(|_| alphabet.get(below(alphabet.len()))).map(|byte| char::from(*byte)).collect()
}

/// Puts `items` into a random order.
pub(crate) fn shuffle<T>(items: &mut [T]) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(last + 1));
    }
}

/// A version 4 UUID, as IAM's request ids are.
pub(crate) fn uuid() -> String {
    let hex = text(b"0123456789abcdef", 30);
    let variant = text(b"89ab", 1);
    format!("{}-{}-4{}-{variant}{}-{}", &hex[..8], &hex[8..12], &hex[12..15], &hex[15..18], &hex[18..30])
}

/// A number below `bound`, without the bias of a plain remainder.
fn below(bound: usize) -> usize {
    let bound = u64::try_from(bound).unwrap_or(u64::MAX).max(1);
    let limit = u64::MAX - u64::MAX % bound;
    loop {
        let Ok(number) = getrandom::u64() else {
            // A system that has no randomness cannot make passwords.
            std::process::abort();
        };
        if number < limit {
            return usize::try_from(number % bound).unwrap_or(0);
        }
    }
}
