//! Does work in an order: each as soon as everything that it waits for has ended.

use std::cell::RefCell;
use std::cmp::Reverse;

use futures_util::stream::StreamExt as _;

use crate::actions::at_once::{Running, piece};
use crate::stack::Order;

/// What is done for one of several.
pub(super) enum Step<T, F> {
    /// Nothing: this is how it ends.
    End(T),
    /// This work.
    Work(F),
}

/// Begins each of `count` as soon as those that it waits for have ended; of several,
/// first the one with the longest chain after it. `begin` gets the ends so far. Returns all ends; `None` is one that waits for a circle.
pub(super) async fn in_order<T, F: Future<Output = T>>(
    order: &Order,
    count: usize,
    begin: impl Fn(usize, &[Option<T>]) -> Step<T, F>,
) -> Vec<Option<T>> {
    let ends: RefCell<Vec<Option<T>>> = RefCell::new((0..count).map(|_| None).collect());
    let mut waiting: Vec<usize> = (0..count).collect();
    let mut running = Running::new();
    let heights = order.heights();
    loop {
        let has_ended = |at: usize| ends.borrow().get(at).is_none_or(Option::is_some);
        let ready = take_ready(order, &heights, &mut waiting, &has_ended);
        let mut ended = Vec::new();
        for at in ready {
            let step = begin(at, &ends.borrow());
            match step {
                Step::End(end) => ended.push((at, end)),
                Step::Work(work) => running.push(piece(at, work, &ends)),
            }
        }
        if ended.is_empty() && running.next().await.is_none() {
            break;
        }
        for (at, end) in ended {
            if let Some(place) = ends.borrow_mut().get_mut(at) {
                *place = Some(end);
            }
        }
    }
    drop(running);
    ends.into_inner()
}

/// Takes out those that wait for nothing any more, those with the longest chain first.
fn take_ready(
    order: &Order,
    heights: &[usize],
    waiting: &mut Vec<usize>,
    has_ended: &dyn Fn(usize) -> bool,
) -> Vec<usize> {
    let is_ready = |at: &usize| order.needs(*at).iter().all(|need| has_ended(*need));
    let (mut ready, still): (Vec<usize>, Vec<usize>) =
        std::mem::take(waiting).into_iter().partition(is_ready);
    *waiting = still;
    ready.sort_by_key(|at| Reverse(heights.get(*at)));
    ready
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_begins_when_what_it_waits_for_has_ended() {
        // 2 waits for 0 and 1, and 3 for nothing.
        let order = Order::new([vec![], vec![0], vec![0, 1], vec![]]);
        let began = RefCell::new(Vec::new());
        let origin = tokio::time::Instant::now();
        let ends = in_order(&order, 4, |at, ends| {
            assert!(order.needs(at).iter().all(|need| ends[*need].is_some()));
            began.borrow_mut().push((at, origin.elapsed().as_secs()));
            if at == 1 {
                return Step::End(at);
            }
            Step::Work(async move {
                tokio::time::sleep(Duration::from_secs(10)).await;
                at
            })
        });
        assert_eq!(ends.await, [Some(0), Some(1), Some(2), Some(3)]);
        assert_eq!(*began.borrow(), [(0, 0), (3, 0), (1, 10), (2, 10)]);
    }
}
