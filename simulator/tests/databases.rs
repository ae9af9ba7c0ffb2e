//! Databases and internal connections.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "the lints' own exception for tests ends at helper functions"
)]

mod common;

use common::{APP, CACHE, Client, DATABASE, Reply, STAGED, ms, start};
use serde_json::{Value, json};
use sevalla_simulator::{
    Application, Behaviour, CLUSTER, Change, Connection, Database, Deletion, Fault, LARGE_DATABASE,
    Limits, OTHER_CLUSTER, SMALL_DATABASE, Simulator, World,
};

fn started(world: World) -> (Simulator, Client) {
    let simulator = start(world);
    let client = Client::of(&simulator);
    (simulator, client)
}

fn new(display_name: &str) -> Value {
    json!({
        "display_name": display_name,
        "type": "postgresql",
        "version": "16",
        "cluster_id": CLUSTER,
        "resource_type_id": SMALL_DATABASE,
        "db_name": "shop",
        "db_password": "sec=ret",
    })
}

fn create(client: &Client, body: &Value) -> Reply {
    client.post_json("/databases", &body.to_string())
}

fn change(client: &Client, body: &Value) -> Reply {
    let json = [("content-type", "application/json")];
    let path = format!("/v3/databases/{DATABASE}");
    client.send("PATCH", &path, &json, &body.to_string())
}

fn delete(client: &Client, path: &str) -> Reply {
    client.send("DELETE", &format!("/v3/databases/{path}"), &[], "")
}

#[test]
fn a_database_is_created_in_its_time() {
    let world = World::new()
        .next_database(Database::new(DATABASE).creation(Change::takes(ms(150))))
        .next_database(Database::new(CACHE).creation(Change::takes(ms(0)).fails()));
    let (simulator, client) = started(world);
    let made = create(&client, &new("orders"));
    assert_eq!(made.status, 201);
    assert_eq!(
        (made.text("id").as_str(), made.text("status")),
        (DATABASE, "creating".to_owned())
    );
    let path = format!("/databases/{DATABASE}");
    let record = client.get(&path).json();
    assert_eq!(record["internal_hostname"], Value::Null);
    assert_eq!(record["cluster_id"], CLUSTER);
    assert!(!record.to_string().contains("sec=ret"));
    assert_eq!(delete(&client, DATABASE).status, 400, "in between");
    let grow = json!({ "resource_type_id": LARGE_DATABASE });
    assert_eq!(change(&client, &grow).status, 400);
    simulator.advance(ms(180));
    let record = client.get(&path).json();
    assert_eq!(
        (&record["status"], &record["internal_port"]),
        (&json!("ready"), &json!("5432"))
    );

    let failed = create(&client, &new("cache")).text("id");
    assert_eq!(failed, CACHE);
    assert_eq!(simulator.database_status(CACHE).as_deref(), Some("error"));
    let again = create(&client, &new("cache")).text("id");
    assert_ne!(again, CACHE, "the last one repeats with another id");
    let listed = client.get("/databases").json();
    assert_eq!(listed["total"], 3);
    let names = listed["data"].as_array().expect("is a list").iter();
    let names: Vec<_> = names.map(|one| one["display_name"].as_str()).collect();
    assert_eq!(names, [Some("cache"), Some("cache"), Some("orders")]);
}

#[test]
fn creations_are_refused() {
    let (_simulator, client) = started(World::new());
    for (field, value) in [
        ("display_name", json!("x")),
        ("type", json!("mongodb")),
        ("cluster_id", json!("frankfurt")),
        ("cluster_id", json!(DATABASE)),
        ("resource_type_id", json!("db1")),
        ("db_name", json!("shop db")),
        ("db_password", json!("abc")),
        ("db_user", json!("root")),
        ("extensions", json!({ "enable_vector": 1 })),
        ("project_id", json!("x")),
        ("size", json!("small")),
    ] {
        let mut body = new("orders");
        body[field] = value;
        assert_eq!(create(&client, &body).status, 400, "{body}");
    }
    let mut body = new("orders");
    body.as_object_mut().expect("is one").remove("version");
    assert_eq!(create(&client, &body).status, 400);
    assert_eq!(client.get("/databases").json()["total"], 0);
}

#[test]
fn a_lost_answer_leaves_a_database_behind() {
    let lost = Fault::on("createDatabaseV3")
        .nth(1)
        .does(Behaviour::CloseAfterApplying);
    let world = World::new()
        .fault(lost)
        .limits(Limits::documented().creation(1));
    let (simulator, client) = started(world);
    assert_eq!(create(&client, &new("orders")).head, "");
    assert_eq!(simulator.databases().len(), 1);
    assert_eq!(client.get("/databases").json()["total"], 1);
    assert_eq!(create(&client, &new("orders")).status, 429);
}

#[test]
fn changes_take_their_time() {
    let database = Database::new(DATABASE)
        .update(Change::takes(ms(120)))
        .password_change(Change::takes(ms(0)).fails())
        .deletion(Deletion::new().takes(ms(120)));
    let (simulator, client) = started(World::new().database(database));
    let renamed = change(
        &client,
        &json!({ "display_name": "sales", "project_id": null }),
    );
    assert_eq!(
        (renamed.status, renamed.text("status")),
        (200, "ready".to_owned())
    );
    let grown = change(&client, &json!({ "resource_type_id": LARGE_DATABASE }));
    assert_eq!(
        (grown.text("status"), grown.text("resource_type_name")),
        ("updating".to_owned(), "DB2".to_owned())
    );
    assert_eq!(grown.text("name"), "shop-db", "the system name stays");
    assert_eq!(delete(&client, DATABASE).status, 400);
    simulator.advance(ms(150));
    assert_eq!(
        simulator.database_status(DATABASE).as_deref(),
        Some("ready")
    );

    let reset = format!("/databases/{DATABASE}/reset-password");
    assert_eq!(
        client
            .post_json(&reset, r#"{"new_password":"a b c d"}"#)
            .status,
        400
    );
    assert_eq!(
        client
            .post_json(&reset, r#"{"new_password":"abcd"}"#)
            .status,
        200
    );
    assert_eq!(
        simulator.database_status(DATABASE).as_deref(),
        Some("passwordChangeFailed")
    );

    assert_eq!(delete(&client, DATABASE).status, 200);
    assert_eq!(
        simulator.database_status(DATABASE).as_deref(),
        Some("deleting")
    );
    assert_eq!(delete(&client, DATABASE).status, 400);
    simulator.advance(ms(150));
    assert_eq!(client.get(&format!("/databases/{DATABASE}")).status, 404);
    assert_eq!(client.get("/databases").json()["total"], 0);
}

#[test]
fn a_deletion_may_fail() {
    let deletion = Deletion::new().takes(ms(0)).fails();
    let database = Database::new(DATABASE).deletion(deletion);
    let (simulator, client) = started(World::new().database(database));
    assert_eq!(delete(&client, DATABASE).status, 200);
    assert_eq!(
        simulator.database_status(DATABASE).as_deref(),
        Some("dbDeletionFailed")
    );
}

fn connected() -> (Simulator, Client) {
    let world = World::new()
        .application(Application::new(APP))
        .application(Application::new(STAGED).cluster(OTHER_CLUSTER))
        .database(Database::new(DATABASE))
        .database(
            Database::new(CACHE)
                .kind("valkey")
                .deletion(Deletion::new().takes(ms(0))),
        )
        .connection(Connection::new(DATABASE, CACHE));
    started(world)
}

fn connect(client: &Client, source: &str, target: &str, kind: &str) -> Reply {
    let body = json!({ "target_id": target, "target_type": kind });
    client.post_json(
        &format!("/{source}/internal-connections"),
        &body.to_string(),
    )
}

#[test]
fn services_are_connected_once() {
    let (simulator, client) = connected();
    let database = format!("databases/{DATABASE}");
    let application = format!("applications/{APP}");
    let made = connect(&client, &database, APP, "app");
    assert_eq!(made.status, 201);
    for (source, target, kind, status) in [
        (&database, APP, "app", 409),
        (&application, DATABASE, "database", 409),
        (&format!("databases/{CACHE}"), DATABASE, "database", 409),
        (&database, DATABASE, "database", 400),
        (&database, STAGED, "app", 400),
        (&database, STAGED, "database", 404),
        (&database, APP, "appResource", 400),
        (&application, CACHE, "database", 201),
    ] {
        let reply = connect(&client, source, target, kind);
        assert_eq!(reply.status, status, "{source} {target} {kind}");
    }
    let wrong = json!({ "application_id": APP }).to_string();
    let path = format!("/{database}/internal-connections");
    assert_eq!(client.post_json(&path, &wrong).status, 400);
    let pairs = simulator.connections();
    assert_eq!(pairs.len(), 3);
    assert_eq!(
        (pairs[2].source.as_str(), pairs[2].target.as_str()),
        (APP, CACHE)
    );
}

#[test]
fn connections_are_listed_and_cut() {
    let (_simulator, client) = connected();
    let id = connect(&client, &format!("databases/{DATABASE}"), APP, "app").text("id");
    let path = format!("/databases/{DATABASE}/internal-connections");
    let list = || client.get(&path).json();
    assert_eq!(list().as_array().map(Vec::len), Some(2));
    assert_eq!(list()[1]["target_type"], "appResource");
    assert_eq!(list()[0]["target_display_name"], "shop-db");
    let one = format!("{DATABASE}/internal-connections/{id}");
    assert_eq!(delete(&client, &one.replace(DATABASE, CACHE)).status, 404);
    assert_eq!(delete(&client, &one).status, 200);
    assert_eq!(delete(&client, &one).status, 404);
    delete(&client, CACHE);
    assert_eq!(list(), json!([]), "a connection ends with its services");
}

#[test]
fn clusters_and_sizes_can_be_chosen_from() {
    let (_simulator, client) = started(World::new());
    let clusters = client.get("/resources/clusters").json();
    assert_eq!(clusters[0]["id"], CLUSTER);
    assert_eq!(clusters[1]["display_name"], Value::Null);
    let sizes = client.get("/resources/database-resource-types").json();
    assert_eq!(sizes[1]["id"], LARGE_DATABASE);
}
