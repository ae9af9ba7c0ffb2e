//! One comment for each application, whatever happens on the way.

use reqwest::Method;
use serde_json::json;
use sevalla_deploy::code_host::{COMMENTS_PAGE, MOST_PAGES, Marker, Put, Reason};
use sevalla_deploy::sanitize::{SanitizedText, Sanitizer};
use uuid::Uuid;

use crate::forge::{Forge, NUMBER, Trouble};

const API: &str = "https://api.github.com";

fn shop() -> Marker {
    Marker::of("shop")
}

fn text(news: &str) -> SanitizedText {
    Sanitizer::default().block(&format!("{}\n### {news}", shop().as_str()))
}

/// The texts of the comments with our mark.
fn ours(forge: &Forge) -> Vec<String> {
    let comments = forge.comments().into_iter();
    comments
        .filter(|written| shop().begins(&written.text))
        .map(|written| written.text)
        .collect()
}

async fn put(forge: &Forge, news: &str) -> Result<Put, Reason> {
    let put = forge
        .client()
        .put_comment(NUMBER, &shop(), &text(news))
        .await;
    put.map_err(|error| error.reason)
}

#[tokio::test(start_paused = true)]
async fn the_first_run_creates_it_and_the_next_update_it() {
    let forges = [
        Forge::github(API),
        Forge::github("https://github.acme.example/api/v3"),
        Forge::github("https://github.acme.example/api/v3/"),
        Forge::gitlab("4711"),
        Forge::gitlab("acme/web/shop"),
    ];
    for forge in forges {
        forge.write("octocat", "Looks good");
        assert_eq!(put(&forge, "deploying").await, Ok(Put::Created));
        assert_eq!(put(&forge, "ready").await, Ok(Put::Updated));
        assert_eq!(ours(&forge), [text("ready").as_str()]);
        assert_eq!(forge.comments()[0].text, "Looks good");
    }
}

#[tokio::test(start_paused = true)]
async fn each_application_has_its_own() {
    let forge = Forge::github(API);
    let other = Marker::of("shop-2");
    let of_other = Sanitizer::default().block(&format!("{}\nother", other.as_str()));
    for _ in 0..2 {
        put(&forge, "ready").await.unwrap();
        let client = forge.client();
        client.put_comment(NUMBER, &other, &of_other).await.unwrap();
    }
    assert_eq!(forge.comments().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_only_updated_is_not_created() {
    let forge = Forge::github(API);
    let update = || async {
        let client = forge.client();
        let (mark, text) = (shop(), text("deleted"));
        let updated = client.update_comment(NUMBER, &mark, &text);
        updated.await.unwrap()
    };
    assert!(!update().await);
    assert_eq!(forge.comments().len(), 0);
    put(&forge, "ready").await.unwrap();
    assert!(update().await);
    assert_eq!(ours(&forge), [text("deleted").as_str()]);
}

#[tokio::test(start_paused = true)]
async fn it_is_found_through_all_pages() {
    for forge in [Forge::github(API), Forge::gitlab("4711")] {
        for _ in 0..COMMENTS_PAGE * 3 - 1 {
            forge.write("octocat", "Looks good");
        }
        assert_eq!(put(&forge, "deploying").await, Ok(Put::Created));
        assert_eq!(put(&forge, "ready").await, Ok(Put::Updated));
        assert_eq!(ours(&forge).len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn more_pages_than_there_can_be_are_not_looked_through() {
    let forge = Forge::github(API);
    for _ in 0..=COMMENTS_PAGE * MOST_PAGES {
        forge.write("octocat", "Looks good");
    }
    assert_eq!(put(&forge, "ready").await, Err(Reason::TooManyComments));
    assert_eq!(forge.requests().len(), MOST_PAGES);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_makes_no_second_comment() {
    for trouble in [
        Trouble::AnswerLost,
        Trouble::AnsweredWith(502),
        Trouble::AnsweredWith(504),
    ] {
        for forge in [Forge::github(API), Forge::gitlab("4711")] {
            forge.trouble(Method::POST, trouble.clone());
            assert_eq!(put(&forge, "ready").await, Ok(Put::Created));
            assert_eq!(ours(&forge).len(), 1);
            assert_eq!(forge.sent(&Method::POST), 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_after_a_lost_answer_is_sent_once_more() {
    let forge = Forge::github(API);
    forge.trouble(Method::POST, Trouble::RequestLost);
    assert_eq!(put(&forge, "ready").await, Ok(Put::Created));
    assert_eq!((ours(&forge).len(), forge.sent(&Method::POST)), (1, 2));
    let forge = Forge::github(API);
    forge.trouble(Method::POST, Trouble::RequestLost);
    forge.trouble(Method::POST, Trouble::RequestLost);
    let reason = put(&forge, "ready").await.unwrap_err();
    assert!(matches!(reason, Reason::Broken(_)), "{reason}");
    assert_eq!((ours(&forge).len(), forge.sent(&Method::POST)), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_again_when_it_cannot_be_looked_up() {
    let forge = Forge::github(API);
    forge.trouble(Method::POST, Trouble::AnswerLost);
    for _ in 0..3 {
        forge.trouble(Method::GET, Trouble::RequestLost);
    }
    let reason = put(&forge, "ready").await.unwrap_err();
    assert!(matches!(reason, Reason::Broken(_)), "{reason}");
    assert_eq!((ours(&forge).len(), forge.sent(&Method::POST)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn reading_and_updating_are_repeated_and_so_is_what_was_never_sent() {
    let forge = Forge::github(API);
    forge.trouble(Method::GET, Trouble::RequestLost);
    let unavailable = Trouble::Refused(503, &[("retry-after", "2")], json!({}));
    forge.trouble(Method::GET, unavailable.clone());
    forge.trouble(Method::POST, Trouble::Unreachable);
    assert_eq!(put(&forge, "deploying").await, Ok(Put::Created));
    forge.trouble(Method::PATCH, Trouble::AnswerLost);
    forge.trouble(Method::PATCH, unavailable.clone());
    assert_eq!(put(&forge, "ready").await, Ok(Put::Updated));
    assert_eq!(ours(&forge), [text("ready").as_str()]);
    let forge = Forge::github(API);
    for _ in 0..3 {
        forge.trouble(Method::GET, unavailable.clone());
    }
    let reason = put(&forge, "ready").await.unwrap_err();
    assert!(
        matches!(reason, Reason::Failing { status: 503, .. }),
        "{reason}"
    );
    assert_eq!(forge.requests().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_persons_comment_with_our_mark_is_left_alone() {
    let mark = shop().as_str().to_owned();
    // A job's token belongs to nobody; its comments are a program's.
    let forge = Forge::github(API);
    forge.write("mallory", &format!("{mark}\nVisit us"));
    forge.write("github-actions[bot]", &format!("> {mark}\nquoted"));
    put(&forge, "deploying").await.unwrap();
    put(&forge, "ready").await.unwrap();
    let texts: Vec<String> = forge.comments().into_iter().map(|c| c.text).collect();
    assert!(texts[0].ends_with("Visit us") && texts[1].ends_with("quoted"));
    assert_eq!(texts[2..], [text("ready").as_str()]);
    // A person's token is known by its name.
    for forge in [Forge::github(API), Forge::gitlab("4711")] {
        forge.owned_by("octocat");
        forge.write("mallory", &format!("{mark}\nVisit us"));
        put(&forge, "deploying").await.unwrap();
        put(&forge, "ready").await.unwrap();
        assert_eq!(forge.comments().len(), 2);
        assert!(forge.comments()[0].text.ends_with("Visit us"));
        assert_eq!(forge.comments()[1].author, "octocat");
    }
}

#[tokio::test(start_paused = true)]
async fn a_text_that_is_too_long_is_cut_in_the_middle() {
    let long = text(&format!(
        "ready\n\n```text\n{}```\nend",
        "lüne\n".repeat(20_000)
    ));
    let forge = Forge::github(API);
    let client = forge.client();
    client.put_comment(NUMBER, &shop(), &long).await.unwrap();
    let written = &ours(&forge)[0];
    assert!(
        written.len() <= 65_536 && written.len() > 60_000,
        "{}",
        written.len()
    );
    assert!(written.contains("cut here") && written.ends_with("```\nend"));
    let forge = Forge::gitlab("4711");
    let client = forge.client();
    client.put_comment(NUMBER, &shop(), &long).await.unwrap();
    assert_eq!(ours(&forge), [long.as_str()]);
}

#[tokio::test(start_paused = true)]
async fn of_two_comments_of_runs_at_once_the_oldest_stays() {
    const OTHER: &str = "<!-- sevalla-deploy:shop -->\n### deploying";
    for forge in [Forge::github(API), Forge::gitlab("4711")] {
        let bot = "github-actions[bot]";
        forge.owned_by(bot).written_before(bot, OTHER);
        assert_eq!(put(&forge, "ready").await, Ok(Put::Updated));
        assert_eq!(ours(&forge), [text("ready").as_str()]);
        assert_eq!(forge.comments()[0].id, 1000);
        // What is left of runs that ended too early goes with the next text.
        forge.write(bot, OTHER);
        assert_eq!(put(&forge, "deploying").await, Ok(Put::Updated));
        assert_eq!(ours(&forge), [text("deploying").as_str()]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_comment_that_may_be_somebodys_is_left_alone() {
    let mark = shop().as_str().to_owned();
    let forge = Forge::gitlab("4711");
    put(&forge, "ready").await.unwrap();
    // Whose the token is may not be asked, and GitLab does not name programs.
    forge.write("somebody", &format!("{mark}\nMine"));
    put(&forge, "deploying").await.unwrap();
    assert_eq!(forge.comments().len(), 2);
    assert!(forge.comments()[1].text.ends_with("Mine"));
}

#[tokio::test(start_paused = true)]
async fn the_apps_that_comments_are_about_are_read_from_our_own_alone() {
    let (ours, other, foreign) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
    for forge in [Forge::github(API), Forge::gitlab("4711")] {
        forge.owned_by("octocat");
        forge.write("mallory", Marker::of("shop").about(foreign).as_str());
        forge.write("octocat", Marker::of("shop").about(ours).as_str());
        forge.write("octocat", Marker::of("blog").about(other).as_str());
        forge.write("octocat", "<!-- sevalla-deploy:shop -->\n### deploying");
        let kept = forge.client().kept_apps(NUMBER, &shop()).await.unwrap();
        assert_eq!((kept.ours, kept.elsewhere), (vec![ours], vec![other]));
    }
    // Without a user of the token only a program's count.
    for (forge, expected) in [
        (Forge::github(API), vec![ours]),
        (Forge::gitlab("4711"), vec![]),
    ] {
        forge.write("mallory", Marker::of("shop").about(foreign).as_str());
        forge.write(
            "github-actions[bot]",
            Marker::of("shop").about(ours).as_str(),
        );
        let kept = forge.client().kept_apps(NUMBER, &shop()).await.unwrap();
        assert_eq!(kept.ours, expected);
    }
}

/// A page whose last entry cannot be read is as full as any.
#[tokio::test(start_paused = true)]
async fn an_entry_that_cannot_be_read_ends_no_list() {
    let page = format!(
        "[{}{{\"id\":null}}]",
        r#"{"id":1,"body":"Looks good","user":null},"#.repeat(COMMENTS_PAGE - 1)
    );
    let forge = Forge::github(API);
    for _ in 0..COMMENTS_PAGE {
        forge.write("octocat", "Looks good");
    }
    forge.write("github-actions[bot]", text("before").as_str());
    forge.trouble(Method::GET, Trouble::Said(page.leak()));
    assert_eq!(put(&forge, "ready").await, Ok(Put::Updated));
    assert_eq!(ours(&forge), [text("ready").as_str()]);
}
