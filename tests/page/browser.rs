//! A browser of one's own, driven over `WebDriver`: <https://www.w3.org/TR/webdriver2/>.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// No step of a browser takes longer, also on a busy machine.
const LONGEST: Duration = Duration::from_secs(150);

/// A running browser with one window. It ends when it is dropped.
pub(crate) struct Browser {
    /// The driver ends its browser when it is told to; hence `close`.
    driver: Child,
    http: reqwest::Client,
    session: String,
    _profile: TempDir,
}

impl Browser {
    /// Starts a browser; `None` if none is installed, which is said aloud.
    pub(crate) async fn start() -> Option<Self> {
        let started = Self::try_to_start().await;
        if let Err(why) = &started {
            let test = std::thread::current().name().unwrap_or("?").to_owned();
            tell(&format!("skipped: {test} ({why})"));
        }
        started.ok()
    }

    async fn try_to_start() -> Result<Self, String> {
        let driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn();
        let mut driver = driver.map_err(|error| format!("chromedriver: {error}"))?;
        let port = port_of(&mut driver).await;
        let profile = TempDir::new().unwrap();
        let http = client();
        let body = json!({ "capabilities": { "alwaysMatch": capabilities(profile.path()) } });
        let driver_url = format!("http://127.0.0.1:{port}/session");
        let answer = send(&http, &driver_url, &body).await;
        let answer = match answer {
            Err(error) if error.to_lowercase().contains("binary") => return Err(error),
            answer => answer.unwrap(),
        };
        let id = answer["sessionId"].as_str().unwrap();
        Ok(Self {
            driver,
            http,
            session: format!("{driver_url}/{id}"),
            _profile: profile,
        })
    }

    /// Opens a page that lies on this machine.
    pub(crate) async fn open(&self, page: &Path) {
        let url = url::Url::from_file_path(page).unwrap();
        self.command("url", json!({ "url": url.as_str() })).await;
    }

    /// Opens the same page again.
    pub(crate) async fn reload(&self) {
        self.command("refresh", json!({})).await;
    }

    /// Goes to an empty page, and back.
    pub(crate) async fn leave_and_come_back(&self) {
        self.command("url", json!({ "url": "about:blank" })).await;
        self.command("back", json!({})).await;
    }

    /// The value that the body of a function returns in the page.
    pub(crate) async fn run(&self, body: &str) -> Value {
        self.command("execute/sync", json!({ "script": body, "args": [] }))
            .await
    }

    /// The same of a function that gives its value to `done` at some time.
    pub(crate) async fn run_until_done(&self, body: &str) -> Value {
        let script = format!("const done = arguments[0];\n{body}");
        self.command("execute/async", json!({ "script": script, "args": [] }))
            .await
    }

    /// Presses and releases keys, each as its own: a sign, or a code of
    /// `WebDriver` for what is none.
    pub(crate) async fn press(&self, keys: &str) {
        let actions: Vec<Value> = keys
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key })))
            .collect();
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": actions });
        self.command("actions", json!({ "actions": [keyboard] }))
            .await;
    }

    /// A command of Chrome's own protocol.
    pub(crate) async fn chrome(&self, command: &str, parameters: Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        self.command("goog/cdp/execute", body).await
    }

    /// Sets the colour scheme that the user prefers.
    pub(crate) async fn prefer(&self, scheme: &str) {
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.chrome(
            "Emulation.setEmulatedMedia",
            json!({ "features": [feature] }),
        )
        .await;
    }

    /// Sets the size of the page's window.
    pub(crate) async fn resize(&self, width: u32, height: u32) {
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.chrome("Emulation.setDeviceMetricsOverride", metrics)
            .await;
    }

    /// The entries of one of the driver's logs since the last look.
    pub(crate) async fn log(&self, kind: &str) -> Vec<Value> {
        let entries = self.command("se/log", json!({ "type": kind })).await;
        entries.as_array().unwrap().clone()
    }

    /// Keeps a picture of the window in the folder that `PAGE_PICTURES` names,
    /// for whoever wants to look.
    pub(crate) async fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("PAGE_PICTURES") else {
            return;
        };
        let shot = self
            .chrome("Page.captureScreenshot", json!({ "format": "png" }))
            .await;
        let png = STANDARD.decode(shot["data"].as_str().unwrap()).unwrap();
        std::fs::write(Path::new(&folder).join(format!("{name}.png")), png).unwrap();
    }

    /// Ends the browser and its driver.
    pub(crate) async fn close(mut self) {
        let _ended_already = self.http.delete(&self.session).send().await;
        let _ended_already = self.driver.kill().await;
    }

    async fn command(&self, path: &str, body: Value) -> Value {
        let url = format!("{}/{path}", self.session);
        let answer = send(&self.http, &url, &body).await;
        answer.unwrap_or_else(|error| panic!("{path}: {error}"))
    }
}

fn capabilities(profile: &Path) -> Value {
    let profile = format!("--user-data-dir={}", profile.display());
    let arguments = [
        "--headless=new",
        // A container's root has no other way.
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--no-first-run",
        "--window-size=1200,900",
        &profile,
    ];
    json!({
        "browserName": "chrome",
        "goog:chromeOptions": { "args": arguments },
        "timeouts": { "script": 120_000 },
        "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
    })
}

/// Says something aloud. Not by a macro: what those print in a test that passes
/// is kept back.
pub(crate) fn tell(text: &str) {
    let mut stderr = std::io::stderr();
    writeln!(stderr, "{text}").unwrap();
}

/// The driver says on which port it listens.
async fn port_of(driver: &mut Child) -> u16 {
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    let port = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            let port = line.strip_prefix("ChromeDriver was started successfully on port ");
            if let Some(port) = port {
                return port.trim_end_matches('.').parse().unwrap();
            }
        }
        panic!("chromedriver ended without naming its port");
    };
    tokio::time::timeout(LONGEST, port).await.unwrap()
}

fn client() -> reqwest::Client {
    // Nothing is encrypted here, but a client wants to know how it would be.
    let _already = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .timeout(LONGEST)
        .build()
        .unwrap()
}

/// The value of the answer, or what the driver says is wrong.
async fn send(http: &reqwest::Client, url: &str, body: &Value) -> Result<Value, String> {
    let request = http.post(url).body(body.to_string());
    let answer = request.send().await.map_err(|error| error.to_string())?;
    let text = answer.text().await.map_err(|error| error.to_string())?;
    let mut answer: Value = serde_json::from_str(&text).map_err(|_| text)?;
    match answer["value"]["error"].as_str() {
        Some(error) => Err(format!("{error}: {}", answer["value"]["message"])),
        None => Ok(answer["value"].take()),
    }
}
