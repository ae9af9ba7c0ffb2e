//! A watch can be dropped at any moment.

use std::cell::Cell;

use sevalla_deploy::follow::LogMode;
use tokio::time::sleep;

use crate::script::{Answer, Line, Script, Service, Trouble, millis, secs};

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_dropped_leaves_nothing_running() {
    let mut under_way = 0;
    for n in 0..400_u64 {
        // Spread over the run and the drain after it, in no step with it.
        let moment = millis(n * 7919 % 75_000);
        let log = (0..60).map(|n| Line::with_lag(secs(n), millis(800)));
        let script = Script::ending(50, "failed")
            .log(log)
            .looks(|request| match request.nth % 5 {
                3 => Answer::from(Trouble::Refused(503)).after(millis(900)),
                4 => Answer::from(Trouble::Hangs),
                _ => Answer::FINE.after(millis(1500)),
            });
        let service = Service::new(script.reads(|_| Answer::FINE.after(millis(1200))));
        let told = Cell::new(0);
        let tell = |_| told.set(told.get() + 1);
        tokio::select! {
            biased;
            open = async { sleep(moment).await; service.open() } => under_way += open,
            _ended = service.follow(LogMode::Live, &tell) => {}
        }
        let (made, events) = (service.made(), told.get());
        assert_eq!(service.open(), 0, "at {moment:?}");
        sleep(secs(600)).await;
        assert_eq!(
            (service.made(), told.get()),
            (made, events),
            "at {moment:?}"
        );
    }
    assert!(
        under_way > 50,
        "too few were dropped amid a request: {under_way}"
    );
}
