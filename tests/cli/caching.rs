//! Caches and the CDN.

use sevalla_simulator::{Application, Behaviour, Fault, Simulator, StaticSite, World};

use crate::harness::{APP, Runner, SITE, called, limited, together};

async fn with_cdn(is_on: bool) -> Simulator {
    let app = Application::new(APP).cdn(is_on);
    let site = StaticSite::new(SITE);
    Simulator::start(World::new().application(app).static_site(site)).await
}

fn purge(simulator: &Simulator) -> Runner {
    Runner::does(simulator, "purge-cache").set("SEVALLA_APP_ID", APP)
}

fn toggle(simulator: &Simulator, wanted: &str) -> Runner {
    Runner::does(simulator, "toggle-cdn")
        .set("SEVALLA_APP_ID", APP)
        .set("SEVALLA_CDN", wanted)
}

const TOGGLE: &str = "toggleApplicationCdnV3";

fn is_on(simulator: &Simulator) -> bool {
    simulator.application(APP).unwrap().cdn
}

#[tokio::test]
async fn a_cache_is_purged() {
    let simulator = with_cdn(false).await;
    let dry = purge(&simulator).set("SEVALLA_DRY_RUN", "true").run().await;
    dry.assert_ended(0, "planned");
    assert_eq!(simulator.cache_purges(APP), 0);
    purge(&simulator).run().await.assert_ended(0, "success");
    assert_eq!(simulator.cache_purges(APP), 1);
    let site = Runner::does(&simulator, "purge-cache").set("SEVALLA_STATIC_SITE_ID", SITE);
    site.run().await.assert_ended(0, "success");
    assert_eq!(simulator.cache_purges(SITE), 1);
}

#[tokio::test]
async fn a_purge_is_sent_again_when_its_answer_is_lost() {
    for (lost, purges) in [
        (Behaviour::ResetAfterApplying, 2),
        (Behaviour::html(502), 1),
        (limited(), 1),
    ] {
        let simulator = with_cdn(false).await;
        simulator.add_fault(Fault::on("purgeApplicationCacheV3").nth(1).does(lost));
        purge(&simulator).run().await.assert_ended(0, "success");
        assert_eq!(simulator.cache_purges(APP), purges);
    }
    let simulator = with_cdn(false).await;
    simulator.forbid("purgeApplicationCacheV3");
    purge(&simulator)
        .run()
        .await
        .assert_ended(5, "unauthorized");
}

#[tokio::test]
async fn the_cdn_becomes_what_is_wanted_in_two_toggles_at_most() {
    for (before, wanted, after, toggles) in [
        (false, "on", true, 1),
        (true, "on", true, 2),
        (true, "off", false, 1),
        (false, "off", false, 2),
    ] {
        let simulator = with_cdn(before).await;
        let run = toggle(&simulator, wanted).run().await;
        run.assert_ended(0, "success");
        assert_eq!(is_on(&simulator), after, "{before} {wanted}");
        assert_eq!(simulator.calls(TOGGLE), toggles, "{before} {wanted}");
        let word = |is_on| if is_on { "on" } else { "off" };
        run.assert_told(&format!("The CDN was {}", word(before)));
        run.assert_told("For edge caching the API offers no switch");
    }
    let simulator = with_cdn(false).await;
    let aimless = toggle(&simulator, "").run().await;
    aimless.assert_ended(2, "invalid-input");
    aimless.assert_told("Set `cdn` to on or off");
    let dry = toggle(&simulator, "on")
        .set("SEVALLA_DRY_RUN", "true")
        .run()
        .await;
    dry.assert_ended(0, "planned");
    assert_eq!(simulator.calls(TOGGLE), 0);
}

#[tokio::test]
async fn a_toggle_whose_answer_is_lost_is_not_sent_again() {
    let cases = [1, 2].into_iter().flat_map(|nth| {
        [
            Behaviour::ResetAfterApplying,
            Behaviour::ResetBeforeApplying,
            Behaviour::html(502),
            Behaviour::CutBody,
            Behaviour::WrongShape(serde_json::json!({"is_on": true})),
        ]
        .map(|lost| (nth, lost))
    });
    together(cases.map(|(nth, lost)| async move {
        let simulator = with_cdn(true).await;
        simulator.add_fault(Fault::on(TOGGLE).nth(nth).does(lost));
        let run = toggle(&simulator, "on").run().await;
        run.assert_ended(7, "ambiguous");
        run.assert_told("A toggle is not sent again");
        assert_eq!(simulator.calls(TOGGLE), nth);
    }))
    .await;
}

#[tokio::test]
async fn a_cdn_that_is_left_turned_is_told() {
    let simulator = with_cdn(true).await;
    simulator.add_fault(Fault::on(TOGGLE).nth(2).does(Behaviour::status(403)));
    let run = toggle(&simulator, "on").run().await;
    run.assert_ended(5, "unauthorized");
    run.assert_told("The CDN was on before, and is off now");
    assert!(!is_on(&simulator));
}

#[tokio::test]
async fn a_toggle_that_was_not_carried_out_is_sent_again() {
    let simulator = with_cdn(false).await;
    simulator.add_fault(Fault::on(TOGGLE).nth(1).does(limited()));
    toggle(&simulator, "on")
        .run()
        .await
        .assert_ended(0, "success");
    assert!(is_on(&simulator));
}

#[tokio::test]
async fn a_signal_does_not_leave_it_turned() {
    let simulator = with_cdn(true).await;
    let slow = Behaviour::Delay(std::time::Duration::from_secs(2));
    simulator.add_fault(Fault::on(TOGGLE).nth(1).does(slow));
    let running = toggle(&simulator, "on").start();
    called(&simulator, TOGGLE).await;
    running.signal("INT").await;
    let run = running.finish().await;
    run.assert_ended(130, "interrupted");
    run.assert_told("The CDN was on already");
    assert!(is_on(&simulator));
}
