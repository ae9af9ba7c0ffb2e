//! Services as the ends of connections.

use crate::application::Application;
use crate::connection::End;
use crate::database::Database;
use crate::state::State;

impl Application {
    pub(crate) fn end(&self) -> End {
        End {
            id: self.id.clone(),
            kind: "appResource",
            name: self.name(),
            display_name: self.display_name.clone(),
            cluster: self.cluster.to_ascii_lowercase(),
        }
    }
}

impl Database {
    pub(crate) fn end(&self) -> End {
        End {
            id: self.id.clone(),
            kind: "dbResource",
            name: self.name(),
            display_name: self.display_name.clone(),
            cluster: self.cluster.to_ascii_lowercase(),
        }
    }
}

impl State {
    /// An application or database that is not gone.
    pub(crate) fn end(&mut self, id: &str) -> Option<End> {
        if let Some(application) = self.application(id) {
            return Some(application.end());
        }
        self.database(id).map(|database| database.end())
    }
}
