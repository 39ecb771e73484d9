//! Which of the service's endpoints a request is for (protocol 1.4).

use hyper::Method;

/// An endpoint; the names are those of counters and faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Endpoint {
    Customer,
    User,
    Device,
    Metadata,
    List,
    Liststream,
    Content,
    Thumbnail,
    EnableShare,
    DisableShare,
    UnknownMode,
    Allocate,
    Upload,
    OldUpload,
    Cphash,
    MkDir,
    Dl,
    DlDir,
    Rm,
    RmDir,
    Mv,
    MvDir,
    Cp,
    CreateDevice,
    CreateMountpoint,
    UnknownCommand,
    PurgeTrash,
    Discovery,
    Token,
    Authorize,
    LegacyRegister,
    LegacyToken,
    EventToken,
    Events,
    Public,
    WebPage,
    Control,
    Unknown,
}

/// Which faults can hit an endpoint at random, and in which form it reports errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Read,
    Write,
    Content,
    Login,
    Other,
}

impl Endpoint {
    /// Tells the endpoint from the request line. `path` is still encoded.
    pub(crate) fn of(method: &Method, path: &str, query: &[(String, String)]) -> Self {
        let path = path.strip_prefix("/up").filter(|rest| rest.starts_with("/jfs")).unwrap_or(path);
        if path == "/jfs" || path.starts_with("/jfs/") {
            let depth = path["/jfs".len()..].split('/').filter(|part| !part.is_empty()).count();
            return if method == Method::POST {
                Self::command(depth, query)
            } else {
                Self::view(depth, query)
            };
        }
        match path {
            "/account/v1/customer" => Self::Customer,
            "/files/v1/allocate" => Self::Allocate,
            "/files/v1/purge_trash" => Self::PurgeTrash,
            "/auth/v1/register" => Self::LegacyRegister,
            "/auth/v1/token" => Self::LegacyToken,
            _ if path.starts_with("/upload/") => Self::Upload,
            _ if path.starts_with("/auth/realms/") => match path.rsplit('/').next() {
                Some("openid-configuration") => Self::Discovery,
                Some("token") => Self::Token,
                Some("auth") => Self::Authorize,
                _ => Self::Unknown,
            },
            _ if path.starts_with("/rest/token/") => Self::EventToken,
            _ if path.starts_with("/ws/") => Self::Events,
            _ if path.starts_with("/opin/io/downloadPublic/") => Self::Public,
            _ if path.starts_with("/s/") || path.starts_with("/web/") => Self::WebPage,
            _ if path.starts_with("/control/") => Self::Control,
            _ => Self::Unknown,
        }
    }

    fn view(depth: usize, query: &[(String, String)]) -> Self {
        let mode = query.iter().find(|(key, _)| key == "mode").map(|(_, value)| value.as_str());
        match (depth, mode) {
            (_, Some("bin")) => Self::Content,
            (_, Some("list")) => Self::List,
            (_, Some("liststream")) => Self::Liststream,
            (_, Some("thumb")) => Self::Thumbnail,
            (_, Some("enableShare")) => Self::EnableShare,
            (_, Some("disableShare")) => Self::DisableShare,
            (_, Some(_)) => Self::UnknownMode,
            (0 | 1, None) => Self::User,
            (2, None) => Self::Device,
            (_, None) => Self::Metadata,
        }
    }

    fn command(depth: usize, query: &[(String, String)]) -> Self {
        const COMMANDS: [(&str, Endpoint); 9] = [
            ("cphash", Endpoint::Cphash),
            ("mkDir", Endpoint::MkDir),
            ("dl", Endpoint::Dl),
            ("dlDir", Endpoint::DlDir),
            ("rm", Endpoint::Rm),
            ("rmDir", Endpoint::RmDir),
            ("mv", Endpoint::Mv),
            ("mvDir", Endpoint::MvDir),
            ("cp", Endpoint::Cp),
        ];
        let has = |name: &str| query.iter().any(|(key, _)| key == name);
        if let Some((_, command)) = COMMANDS.into_iter().find(|(name, _)| has(name)) {
            return command;
        }
        match depth {
            2 if has("type") => Self::CreateDevice,
            3 if query.is_empty() => Self::CreateMountpoint,
            _ if has("umode") => Self::OldUpload,
            _ => Self::UnknownCommand,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::User => "user",
            Self::Device => "device",
            Self::Metadata => "metadata",
            Self::List => "list",
            Self::Liststream => "liststream",
            Self::Content => "content",
            Self::Thumbnail => "thumbnail",
            Self::EnableShare => "enableShare",
            Self::DisableShare => "disableShare",
            Self::UnknownMode => "unknown-mode",
            Self::Allocate => "allocate",
            Self::Upload => "upload",
            Self::OldUpload => "old-upload",
            Self::Cphash => "cphash",
            Self::MkDir => "mkDir",
            Self::Dl => "dl",
            Self::DlDir => "dlDir",
            Self::Rm => "rm",
            Self::RmDir => "rmDir",
            Self::Mv => "mv",
            Self::MvDir => "mvDir",
            Self::Cp => "cp",
            Self::CreateDevice => "create-device",
            Self::CreateMountpoint => "create-mountpoint",
            Self::UnknownCommand => "unknown-command",
            Self::PurgeTrash => "purge_trash",
            Self::Discovery => "discovery",
            Self::Token => "token",
            Self::Authorize => "authorize",
            Self::LegacyRegister => "legacy-register",
            Self::LegacyToken => "legacy-token",
            Self::EventToken => "event-token",
            Self::Events => "events",
            Self::Public => "public",
            Self::WebPage => "web-page",
            Self::Control => "control",
            Self::Unknown => "unknown",
        }
    }

    pub(crate) fn class(self) -> Class {
        match self {
            Self::User
            | Self::Device
            | Self::Metadata
            | Self::List
            | Self::Liststream
            | Self::Thumbnail
            | Self::UnknownMode => Class::Read,
            Self::Content | Self::Upload | Self::OldUpload => Class::Content,
            Self::Allocate
            | Self::Cphash
            | Self::MkDir
            | Self::Dl
            | Self::DlDir
            | Self::Rm
            | Self::RmDir
            | Self::Mv
            | Self::MvDir
            | Self::Cp
            | Self::CreateDevice
            | Self::CreateMountpoint
            | Self::EnableShare
            | Self::DisableShare
            | Self::PurgeTrash
            | Self::UnknownCommand => Class::Write,
            Self::Customer | Self::Discovery | Self::Token | Self::Authorize | Self::EventToken => {
                Class::Login
            }
            Self::LegacyRegister
            | Self::LegacyToken
            | Self::Events
            | Self::Public
            | Self::WebPage
            | Self::Control
            | Self::Unknown => Class::Other,
        }
    }

    /// Whether errors are JSON here; they are XML elsewhere (protocol 2.6).
    pub(crate) fn speaks_json(self) -> bool {
        matches!(
            self,
            Self::Customer
                | Self::Allocate
                | Self::Upload
                | Self::PurgeTrash
                | Self::Discovery
                | Self::Token
                | Self::Authorize
                | Self::LegacyRegister
                | Self::LegacyToken
                | Self::Control
        )
    }
}
