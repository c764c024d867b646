//! What the project claims is true: the README, the fault catalogue, that no password is shown, and what the image holds.

mod fault_catalogue;
mod image;
mod password_search;
mod readme;
