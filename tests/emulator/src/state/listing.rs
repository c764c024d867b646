//! List: pages in no order, which lag behind the true state.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::{Credential, CredentialInfo, State, known_service};
use crate::error::IamError;
use crate::random;

/// How many unfinished lists are remembered.
const REMEMBERED: usize = 1_000;

/// What a list is asked for.
pub(crate) struct ListQuery<'a> {
    /// The user; `None` stands for all of them.
    pub(crate) user: Option<&'a str>,
    pub(crate) service: Option<&'a str>,
    pub(crate) marker: Option<&'a str>,
    pub(crate) max_items: usize,
}

/// One page of a list.
pub(crate) struct Page {
    pub(crate) items: Vec<CredentialInfo>,
    /// The marker of the next page, if there is one.
    pub(crate) marker: Option<String>,
}

/// The lists that were begun and not read to the end.
pub(super) struct Pagings {
    page_size: usize,
    open: VecDeque<Paging>,
}

struct Paging {
    marker: String,
    rest: Vec<String>,
}

impl State {
    pub(crate) fn page_size(&self) -> usize {
        self.pagings.page_size
    }

    pub(crate) fn set_page_size(&mut self, page_size: usize) {
        self.pagings.page_size = page_size;
    }

    /// Reads one page. A marker may be used again, so that a client may repeat a request.
    pub(crate) fn list(&mut self, query: &ListQuery<'_>, now: Timestamp) -> Result<Page, IamError> {
        let user_id = match query.user {
            Some(name) => Some(self.user(name)?.id.clone()),
            None => None,
        };
        let service = query.service.map(known_service).transpose()?;
        let listed = |credential: &&Credential| {
            credential.shown(now)
                && credential.info.user.is_some()
                && user_id.as_ref().is_none_or(|id| *id == credential.info.user_id)
                && service.as_ref().is_none_or(|name| *name == credential.info.service)
        };
        let mut shown: Vec<_> = self.credentials.iter().filter(listed).map(|it| it.info.clone()).collect();
        let order = if let Some(marker) = query.marker {
            self.pagings.rest(marker)?
        } else {
            random::shuffle(&mut shown);
            shown.iter().map(|info| info.id.clone()).collect()
        };
        let (page, marker) = self.pagings.split(order, query.max_items);
        let find = |id: &String| shown.iter().find(|info| info.id == *id).cloned();
        Ok(Page { items: page.iter().filter_map(find).collect(), marker })
    }
}

impl Credential {
    fn shown(&self, now: Timestamp) -> bool {
        let gone = self.deleted.as_ref().is_some_and(|deleted| deleted.shown_until.is_some_and(|until| until <= now));
        self.shown_from.is_some_and(|from| from <= now) && !gone
    }
}

impl Pagings {
    pub(super) fn new(page_size: usize) -> Self {
        Self { page_size, open: VecDeque::new() }
    }

    fn rest(&self, marker: &str) -> Result<Vec<String>, IamError> {
        let found = self.open.iter().find(|paging| paging.marker == marker);
        let found = found.ok_or_else(|| IamError::Validate("Invalid Marker.".into()))?;
        Ok(found.rest.clone())
    }

    fn split(&mut self, mut order: Vec<String>, max: usize) -> (Vec<String>, Option<String>) {
        let length = max.min(self.page_size).max(1).min(order.len());
        let rest = order.split_off(length);
        if rest.is_empty() {
            return (order, None);
        }
        let marker = random::text(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 44);
        if self.open.len() >= REMEMBERED {
            self.open.pop_front();
        }
        self.open.push_back(Paging { marker: marker.clone(), rest });
        (order, Some(marker))
    }
}
