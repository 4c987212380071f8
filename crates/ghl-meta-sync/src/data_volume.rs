//! In a container, an embedded database outside a volume is gone with the next update of the image. That must not be found
//! out by losing it.

use persistence::DatabaseUrl;
use std::fs;
use std::path::{Path, PathBuf};

/// Files that Docker and Podman put into their containers.
const MARKS_OF_CONTAINERS: [&str; 2] = ["/.dockerenv", "/run/.containerenv"];

/// Why the database will not outlive the container this process runs in, if that is so. The database exists already.
pub fn warning(database: &DatabaseUrl) -> Option<String> {
    let DatabaseUrl::Sqlite(file) = database else { return None };
    if !MARKS_OF_CONTAINERS.iter().any(|mark| Path::new(mark).exists()) {
        return None;
    }
    // What can not be read says nothing; there is no reason to stop for it.
    let file = fs::canonicalize(file).ok()?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let folder = file.parent()?;
    let place = fleeting_place(folder, &mounts)?;
    Some(format!(
        "THE DATABASE WILL BE LOST: {} is {place}. Its history, its settings and its list of erased people vanish when the \
         container is made anew, as every update does. Stop now, mount a folder or a named volume at {}, and start again.",
        folder.display(),
        folder.display()
    ))
}

/// What kind of place the folder is, if nobody keeps it. `mounts` is the text of `/proc/self/mountinfo`, see `proc(5)`.
fn fleeting_place(folder: &Path, mounts: &str) -> Option<&'static str> {
    // The innermost mount holds the folder; of two at the same place, the later one hides the earlier.
    let mount = mounts
        .lines()
        .filter_map(Mount::read)
        .filter(|mount| folder.starts_with(&mount.place))
        .max_by_key(|mount| mount.place.components().count())?;
    if matches!(mount.kind, "tmpfs" | "ramfs") {
        Some("in memory")
    } else if mount.place == Path::new("/") {
        Some("inside the container, not on a mounted volume")
    } else if is_anonymous_volume(mount.source_folder) {
        Some("on a volume without a name, which the next container does not get")
    } else {
        None
    }
}

/// One line of `mountinfo`, as far as it matters here.
struct Mount<'a> {
    place: PathBuf,
    /// The folder that is mounted, as the file system that holds it sees it.
    source_folder: &'a str,
    kind: &'a str,
}

impl<'a> Mount<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let (mount, file_system) = line.split_once(" - ")?;
        let mut fields = mount.split(' ').skip(3);
        let source_folder = fields.next()?;
        // Blanks are the only characters of the four escaped ones that folders really have.
        let place = PathBuf::from(fields.next()?.replace("\\040", " "));
        Some(Self { place, source_folder, kind: file_system.split(' ').next()? })
    }
}

/// `…/volumes/<64 hexadecimal digits>/_data`: what `VOLUME` in the Dockerfile gives to a container for which nobody mounted
/// anything.
fn is_anonymous_volume(source_folder: &str) -> bool {
    let Some(volume) = source_folder.strip_suffix("/_data") else { return false };
    let Some((_, name)) = volume.rsplit_once("/volumes/") else { return false };
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::fleeting_place;
    use std::path::Path;

    const ROOT: &str = "1534 1432 0:61 / / ro,relatime master:498 - overlay overlay rw,lowerdir=/l/A:/l/B\n\
                        1535 1534 0:64 / /proc rw,nosuid - proc proc rw\n\
                        1540 1534 0:70 / /tmp rw - tmpfs tmpfs rw\n";

    fn place(folder: &str, mounts: &str) -> Option<&'static str> {
        fleeting_place(Path::new(folder), &format!("{ROOT}{mounts}"))
    }

    #[test]
    fn a_database_that_nobody_keeps_is_told_from_one_on_a_volume() {
        let digits = "0123456789abcdef".repeat(4);
        let anonymous = format!(
            "1551 1534 8:1 /var/lib/docker/volumes/{digits}/_data /app/data rw master:1 - ext4 /dev/sda1 rw\n"
        );
        let named =
            "1551 1534 8:1 /var/lib/docker/volumes/sync_data/_data /app/data rw - ext4 /dev/sda1 rw\n";
        let bound = "1551 1534 0:45 /appdata/ghl-meta-sync/data /app/data rw - fuse.shfs shfs rw\n";
        let logs_only = "1552 1534 0:45 /appdata/ghl-meta-sync/logs /app/logs rw - fuse.shfs shfs rw\n";
        let inside = Some("inside the container, not on a mounted volume");
        let nameless = Some("on a volume without a name, which the next container does not get");
        for (mounts, expected) in [
            ("", inside),
            (logs_only, inside),
            (anonymous.as_str(), nameless),
            (named, None),
            (bound, None),
            (&format!("{anonymous}{bound}"), None),
            (&format!("{bound}{anonymous}"), nameless),
        ] {
            assert_eq!(place("/app/data", mounts), expected, "{mounts}");
        }
    }

    #[test]
    fn the_innermost_mount_counts_and_neighbours_do_not() {
        let app = "1551 1534 0:45 /appdata/ghl-meta-sync /app rw - xfs /dev/md1 rw\n";
        assert_eq!(place("/app/data", app), None);
        assert!(place("/app-data", app).is_some());
        assert_eq!(place("/tmp/data", app), Some("in memory"));
        let blanks = "1551 1534 0:45 /x /my\\040data rw - xfs /dev/md1 rw\n";
        assert_eq!(place("/my data/sync", blanks), None);
    }

    #[test]
    fn what_can_not_be_understood_is_no_reason_to_warn() {
        for mounts in ["", "nonsense", "1 2 3\n", "1 2 0:1 / / rw no separator"] {
            assert_eq!(fleeting_place(Path::new("/app/data"), mounts), None, "{mounts}");
        }
    }
}
