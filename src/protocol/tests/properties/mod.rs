//! Properties of `decide` over arbitrary facts, reachable or not.
