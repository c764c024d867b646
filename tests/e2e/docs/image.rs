//! The image: its root folder holds the operator and the CA roots, and that is all the operator needs.
//!
//! There is no container engine to run it with. A container too gives a process a root folder and nothing else, so `chroot` is
//! close to it. The tests add what the kubelet adds to a pod.

use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Instant;

use keyspaces_emulator::Options;
use kit::world::{USER, World, has_condition};
use serde_json::Value;
use tempfile::TempDir;

const PROGRAM: &str = "/keyspaces-credential-operator";
const ROOTS: &str = "etc/ssl/certs/ca-certificates.crt";
/// What a pod has of its ServiceAccount.
const ACCOUNT: &str = "var/run/secrets/kubernetes.io/serviceaccount";
/// The name of IAM in these tests.
const IAM_HOST: &str = "iam.test";
/// The user that the image is run as.
const USER_ID: &str = "65532:65532";
/// A larger binary is worth a question: what was added?
const LARGEST: u64 = 20 * 1024 * 1024;

#[test]
fn it_holds_one_static_stripped_binary_and_the_ca_roots() {
    let root = image_root();
    let mut files = Vec::new();
    list(root, root, &mut files);
    files.sort();
    assert_eq!(files, [ROOTS, PROGRAM.trim_start_matches('/')]);

    let binary = inside(root, PROGRAM);
    let size = binary.metadata().expect("it is there").size();
    say(&format!("the binary of the image has {} kB", size / 1000));
    assert!(size < LARGEST, "{size} bytes");

    let headers = output_of(Command::new("readelf").args(["--wide", "--segments", "--sections"]).arg(&binary));
    assert!(!headers.contains("INTERP"), "nothing has to load it:\n{headers}");
    for section in [".symtab", ".debug_info", ".debug_line"] {
        assert!(!headers.contains(section), "{section} is stripped:\n{headers}");
    }
}

#[test]
fn it_starts_without_environment() {
    let jail = Jail::new();
    let version = output_of(jail.command().arg("--version").env_clear());
    assert_eq!(version.trim(), concat!("keyspaces-credential-operator ", env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn it_reconciles_as_in_a_pod_with_iam_in_the_hosts_file() {
    let jail = Jail::new();
    jail.write("etc/hosts", &format!("127.0.0.1 localhost {IAM_HOST}\n"));
    reconciles(jail, "image-hosts").await;
}

#[tokio::test]
async fn it_reconciles_as_in_a_pod_with_iam_in_dns() {
    // All of 127.0.0.0/8 is this machine. It is unlikely that somebody else has a name server at this address.
    let address = Ipv4Addr::new(127, 0, 53, 77);
    let Ok(socket) = UdpSocket::bind((address, 53)) else {
        say(&format!(
            "no right to listen on port 53, so looking up {IAM_HOST} in DNS is not tried; run the test as root"
        ));
        return;
    };
    std::thread::spawn(move || serve_names(&socket));
    let jail = Jail::new();
    jail.write("etc/resolv.conf", &format!("nameserver {address}\n"));
    reconciles(jail, "image-dns").await;
}

/// The operator of the image creates a credential. It trusts IAM only because of the CA roots in its folder.
async fn reconciles(jail: Jail, name: &str) {
    let options =
        Options { iam_tls_port: Some(0), dns_names: vec![IAM_HOST.to_owned()], ..Options::with_users([USER]) };
    let mut world = World::with_iam(PROGRAM, name, options).await;
    world.launcher = jail.launcher();
    let server = jail.mount_account(&world);
    let (host, port) = server.rsplit_once(':').expect("it has a port");
    let iam_url = world.iam.iam_tls_url().expect("it was asked for").replace("localhost", IAM_HOST);
    let environment = [
        // As in a pod.
        ("KUBECONFIG", ""),
        ("KUBERNETES_SERVICE_HOST", host),
        ("KUBERNETES_SERVICE_PORT", port),
        ("AWS_ENDPOINT_URL_IAM", iam_url.as_str()),
    ];

    world.start_with(&[], &environment);
    world.apply_with_defaults("orders").await;
    let refused = |resource: &_| has_condition(resource, "Ready", "False", "IamUnavailable");
    world.until("orders", "refusing to trust IAM", refused).await;
    assert!(world.iam.calls().is_empty(), "nothing is sent to who cannot be trusted: {:?}", world.iam.calls());
    assert_eq!(world.operator().terminate().await, Some(0));

    jail.trust(world.iam.ca_pem());
    world.start_with(&[], &environment);
    world.ready("orders").await;
    world.assert_whole("orders").await;
    say(&format!("the operator of the image has {} kB of resident memory", world.operator().resident_kib()));
    assert_eq!(world.operator().terminate().await, Some(0));
}

/// A copy of the image's root folder, to put into it what the kubelet puts into a container's.
struct Jail {
    folder: TempDir,
}

impl Jail {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        // A process of its own makes the copy. While this process has a program open for writing, a child that another test has
        // just forked has it open as well, and the kernel then refuses to run the program.
        output_of(
            Command::new("cp").args(["--recursive", "--no-target-directory"]).arg(image_root()).arg(folder.path()),
        );
        // Everybody can read the root of an image. A temporary folder is private.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("it is ours");
        let jail = Self { folder };
        for device in ["null", "zero", "full", "random", "urandom"] {
            jail.write(&format!("dev/{device}"), "");
        }
        jail
    }

    /// What starts a program in it.
    fn launcher(&self) -> Vec<String> {
        launcher(self.folder.path())
    }

    fn command(&self) -> Command {
        let launcher = self.launcher();
        let mut command = Command::new(&launcher[0]);
        command.args(&launcher[1..]).arg(PROGRAM);
        command
    }

    fn write(&self, path: &str, text: &str) {
        let path = inside(self.folder.path(), path);
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("the folder can be made");
        fs::write(path, text).expect("it can be written");
    }

    /// Adds a CA to the roots.
    fn trust(&self, ca_pem: &str) {
        let mut roots = fs::File::options().append(true).open(self.folder.path().join(ROOTS)).expect("they are there");
        write!(roots, "\n{ca_pem}").expect("a CA can be added");
    }

    /// Mounts the operator's ServiceAccount as in a pod. Gives the address of the API server.
    fn mount_account(&self, world: &World) -> String {
        let kubeconfig = fs::read_to_string(world.folder().join("kubeconfig")).expect("the world has it");
        let kubeconfig: Value = serde_json::from_str(&kubeconfig).expect("the kit writes JSON");
        let text = |pointer: &str| kubeconfig.pointer(pointer).and_then(Value::as_str).expect(pointer).to_owned();
        let ca = fs::read_to_string(text("/clusters/0/cluster/certificate-authority")).expect("the CA is there");
        self.write(&format!("{ACCOUNT}/ca.crt"), &ca);
        self.write(&format!("{ACCOUNT}/token"), &text("/users/0/user/token"));
        self.write(&format!("{ACCOUNT}/namespace"), kit::control_plane::OPERATOR);
        text("/clusters/0/cluster/server").trim_start_matches("https://").to_owned()
    }
}

/// The image's root folder, built once for all tests of this run and after that only if something has changed. With
/// `IMAGE_ROOT` it is a folder that is there already, for instance what `docker export` has made of an image.
fn image_root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        if let Some(root) = std::env::var_os("IMAGE_ROOT") {
            return root.into();
        }
        let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let root = temporary.join("image-root");
        let _ = fs::remove_dir_all(&root);
        say("building the release binary for the image: about ten minutes the first time");
        let start = Instant::now();
        let mut build = Command::new("nice");
        build.arg(kit::control_plane::repository().join("deploy/image-root.sh")).arg(&root);
        // Variables that cargo sets for a test must not reach another cargo: it would run build scripts again each time.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            let of_this_test = name.starts_with("CARGO") && !matches!(name.as_str(), "CARGO_HOME" | "CARGO_BUILD_JOBS");
            if of_this_test || name == "LD_LIBRARY_PATH" {
                build.env_remove(name);
            }
        }
        build.env("CARGO_TARGET_DIR", temporary.parent().expect("it is in the target folder"));
        assert!(build.status().expect("nice runs").success(), "deploy/image-root.sh failed, see above");
        say(&format!("the image's root folder was there after {} s", start.elapsed().as_secs()));
        root
    })
}

/// How to start a program in another root folder: root may do it, others need a user namespace.
///
/// A container has the usual devices, whatever the image. They are mounted in a namespace that ends with the process. A static
/// binary needs one of them: it reads its random numbers from /dev/urandom.
fn launcher(root: &Path) -> Vec<String> {
    const ENTER: &str = "root=$1 enter=$2; shift 2
        for device in null zero full random urandom; do mount --bind /dev/$device $root/dev/$device; done
        exec $enter $root \"$@\"";
    let find = |name: &str| {
        let folders = ["/usr/bin", "/usr/sbin", "/bin", "/sbin"];
        let found = folders.iter().map(|folder| format!("{folder}/{name}")).find(|path| Path::new(path).exists());
        found.unwrap_or_else(|| panic!("{name} is missing: install coreutils and util-linux"))
    };
    let (unshare, chroot) = (find("unshare"), find("chroot"));
    let (namespaces, enter) = if output_of(Command::new("id").arg("-u")).trim() == "0" {
        (vec!["--mount"], format!("{chroot} --userspec={USER_ID}"))
    } else {
        (vec!["--mount", "--map-root-user"], chroot)
    };
    let probe = Command::new(&unshare).args(&namespaces).arg("true").output();
    let allowed = probe.is_ok_and(|probe| probe.status.success());
    assert!(allowed, "chroot needs root or a user namespace, and neither is allowed: run this test as root");
    let mut launcher = vec![unshare];
    launcher.extend(namespaces.into_iter().map(str::to_owned));
    let root = root.to_str().expect("a plain path").to_owned();
    launcher.extend([find("sh"), "-ec".to_owned(), ENTER.to_owned(), "sh".to_owned(), root, enter]);
    launcher
}

/// A path in a folder that is somebody's root.
fn inside(root: &Path, path: &str) -> PathBuf {
    root.join(path.trim_start_matches('/'))
}

/// All files of a folder, as seen from `root`.
fn list(root: &Path, folder: &Path, files: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("it is a folder") {
        let entry = entry.expect("it can be read");
        if entry.file_type().expect("it is there").is_dir() {
            list(root, &entry.path(), files);
        } else {
            files.push(entry.path().strip_prefix(root).expect("it is inside").display().to_string());
        }
    }
}

fn output_of(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}{}", output.status, String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Prints past the test harness, which would keep the output to itself: a build of minutes has to show, and so have figures.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "image: {text}");
}

/// Answers every question for an address with 127.0.0.1.
///
/// Source: RFC 1035, 4.1.
fn serve_names(socket: &UdpSocket) {
    let mut query = [0; 512];
    while let Ok((length, client)) = socket.recv_from(&mut query) {
        let question = 12;
        let Some(end_of_name) = query[question..length].iter().position(|&byte| byte == 0) else { continue };
        let end = question + end_of_name + 5;
        // The type is the two bytes after the name: 1 asks for an IPv4 address. There is none of any other kind.
        let asks_for_address = query[end - 3] == 1;
        let mut reply = query[..end].to_vec();
        reply[2..12].copy_from_slice(&[0x81, 0x80, 0, 1, 0, u8::from(asks_for_address), 0, 0, 0, 0]);
        if asks_for_address {
            reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
        }
        let _ = socket.send_to(&reply, client);
    }
}
