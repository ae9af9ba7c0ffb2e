//! Clusters and sizes there are to choose from.

/// The cluster services are in unless told.
pub const CLUSTER: &str = "1b7c4a52-5f0e-4d39-8e51-0c9a7d2b3e10";

/// Another one.
pub const OTHER_CLUSTER: &str = "2c8d5b63-6a1f-4e4a-9f62-1dab8e3c4f21";

/// The size of a database unless told.
pub const SMALL_DATABASE: &str = "3d9e6c74-7b20-4f5b-8a73-2ebc9f4d5a32";

/// A bigger one.
pub const LARGE_DATABASE: &str = "4eaf7d85-8c31-405c-9b84-3fcda05e6b43";

/// A cluster.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) display_name: Option<&'static str>,
    pub(crate) location: &'static str,
}

pub(crate) const CLUSTERS: [Cluster; 2] = [
    Cluster {
        id: CLUSTER,
        name: "europe-west3",
        display_name: Some("Frankfurt"),
        location: "europe-west3",
    },
    Cluster {
        id: OTHER_CLUSTER,
        name: "us-central1",
        display_name: None,
        location: "us-central1",
    },
];

pub(crate) fn cluster(id: &str) -> Option<&'static Cluster> {
    let mut clusters = CLUSTERS.iter();
    clusters.find(|cluster| cluster.id.eq_ignore_ascii_case(id))
}

/// A size of a database.
#[derive(Debug)]
pub(crate) struct Size {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    /// Thousandths of a processor.
    pub(crate) cpu: u32,
    /// Megabytes.
    pub(crate) memory: u32,
    /// Megabytes.
    pub(crate) storage: u32,
}

pub(crate) const SIZES: [Size; 2] = [
    Size {
        id: SMALL_DATABASE,
        name: "DB1",
        cpu: 250,
        memory: 256,
        storage: 1024,
    },
    Size {
        id: LARGE_DATABASE,
        name: "DB2",
        cpu: 1000,
        memory: 2048,
        storage: 10240,
    },
];

pub(crate) fn size(id: &str) -> Option<&'static Size> {
    let mut sizes = SIZES.iter();
    sizes.find(|size| size.id.eq_ignore_ascii_case(id))
}
