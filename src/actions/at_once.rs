//! Several pieces of work at the same time. What drives them is compiled once, whatever
//! they are.

use std::cell::RefCell;

use futures_util::future::LocalBoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};

/// Pieces of work that run, each of which ends with its place.
pub(crate) type Running<'a> = FuturesUnordered<LocalBoxFuture<'a, usize>>;

/// A piece of work that leaves its result in a place.
pub(crate) fn piece<'a, F: Future + 'a>(
    at: usize,
    work: F,
    results: &'a RefCell<Vec<Option<F::Output>>>,
) -> LocalBoxFuture<'a, usize> {
    Box::pin(async move {
        let result = work.await;
        if let Some(place) = results.borrow_mut().get_mut(at) {
            *place = Some(result);
        }
        at
    })
}

/// Does all at the same time, and returns the results in the order of the pieces.
pub(crate) async fn join_all<F: Future>(work: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let work: Vec<F> = work.into_iter().collect();
    let results = RefCell::new(work.iter().map(|_| None).collect());
    let pieces = work.into_iter().enumerate();
    let mut running: Running<'_> = pieces.map(|(at, work)| piece(at, work, &results)).collect();
    while running.next().await.is_some() {}
    drop(running);
    results.into_inner().into_iter().flatten().collect()
}
