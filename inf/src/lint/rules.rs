//! The rules by name: what each says, InfVerif's number for it where it has one, and the page it was taken from.

/// A rule. The order is that of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// The text can be parsed.
    Syntax,
    /// Only characters that every encoding reads alike.
    Encoding,
    /// `[Version] Signature`.
    Signature,
    /// Class and ClassGuid belong together.
    Class,
    /// Somebody other than Microsoft provides it.
    Provider,
    /// `CatalogFile`.
    Catalog,
    /// `DriverVer` is a date and four numbers.
    DriverVer,
    /// `PnpLockdown`.
    Lockdown,
    /// Sections that are referred to exist.
    SectionExists,
    /// Sections are referred to.
    SectionUsed,
    /// A section serves directives of one kind.
    SectionOnce,
    /// No `[DefaultInstall]` beside `[Manufacturer]`.
    DefaultInstall,
    /// `Needs` goes with `Include`, and with sections of the same kind.
    Needs,
    /// Tokens are defined.
    StringDefined,
    /// Tokens are used.
    StringUsed,
    /// No section of the class installer.
    ClassInstall,
    /// There is a device to install on.
    Devices,
    /// A hardware id stands once and looks like one.
    HardwareIds,
    /// Each device has one function driver.
    Service,
    /// What a service must say.
    ServiceComplete,
    /// No directives of the past.
    Legacy,
    /// No co-installers through the registry.
    CoInstallers,
    /// Registry values stand below the device's own key.
    RelativeKeys,
    /// No key of the services below HKLM.
    ServicesKey,
    /// No value is added to a list.
    AppendedList,
    /// Files have a source.
    SourceFile,
    /// Sources are copied.
    SourceUsed,
    /// Files stay in the driver store.
    DriverStore,
    /// Files keep their names and folders.
    SameName,
    /// What needs a newer Windows is not offered to an older one.
    TargetVersion,
    /// Two sections do not write one thing differently.
    Conflicts,
    /// A display driver's score.
    FeatureScore,
    /// A display driver's DLLs.
    UserDrivers,
    /// A display driver's list of names.
    InstalledDrivers,
}

/// A rule in words.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// InfVerif's number; None where it gives none or the rule is of another page.
    pub code: Option<u16>,
    /// The rule as a sentence.
    pub sentence: &'static str,
    /// The page of Microsoft's driver documentation that states it.
    pub source: &'static str,
}

/// InfVerif's own page.
const VERIF: &str = "INF Validation Errors and Warnings";
const VERSION: &str = "INF Version Section";
const SYNTAX: &str = "General Syntax Rules for INF Files";
const ISOLATION: &str = "Driver package isolation";

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 34] = [
        Self::Syntax,
        Self::Encoding,
        Self::Signature,
        Self::Class,
        Self::Provider,
        Self::Catalog,
        Self::DriverVer,
        Self::Lockdown,
        Self::SectionExists,
        Self::SectionUsed,
        Self::SectionOnce,
        Self::DefaultInstall,
        Self::Needs,
        Self::StringDefined,
        Self::StringUsed,
        Self::ClassInstall,
        Self::Devices,
        Self::HardwareIds,
        Self::Service,
        Self::ServiceComplete,
        Self::Legacy,
        Self::CoInstallers,
        Self::RelativeKeys,
        Self::ServicesKey,
        Self::AppendedList,
        Self::SourceFile,
        Self::SourceUsed,
        Self::DriverStore,
        Self::SameName,
        Self::TargetVersion,
        Self::Conflicts,
        Self::FeatureScore,
        Self::UserDrivers,
        Self::InstalledDrivers,
    ];

    /// The rule in words.
    pub const fn about(self) -> About {
        let (code, sentence, source) = match self {
            Self::Syntax => (
                None,
                "each line is a section heading or an entry, and quotes and brackets are closed",
                SYNTAX,
            ),
            Self::Encoding => (None, "a file that is not UTF-16 holds ASCII only", SYNTAX),
            Self::Signature => (None, "[Version] has Signature = \"$WINDOWS NT$\"", VERSION),
            Self::Class => (None, "Class is Display and ClassGuid is that class's", VERSION),
            Self::Provider => (Some(1204), "Provider is given and is not Microsoft", VERIF),
            Self::Catalog => (Some(1233), "[Version] names a CatalogFile with the extension .cat", VERIF),
            Self::DriverVer => (
                Some(1217),
                "DriverVer is mm/dd/yyyy,w.x.y.z with a real date and numbers below 65536",
                "INF DriverVer Directive",
            ),
            Self::Lockdown => {
                (None, "PnpLockdown is 1, so that programs cannot replace the driver's files", VERSION)
            }
            Self::SectionExists => (Some(1203), "each section that a directive names exists", VERIF),
            Self::SectionUsed => (Some(2083), "each section is referred to", VERIF),
            Self::SectionOnce => {
                (Some(1205), "a section is not used by directives of different kinds", VERIF)
            }
            Self::DefaultInstall => {
                (Some(1212), "[DefaultInstall] and [Manufacturer] exclude each other", VERIF)
            }
            Self::Needs => {
                (Some(1310), "Needs stands beside Include and names a section with the same extension", VERIF)
            }
            Self::StringDefined => (Some(1235), "each %token% is defined in [Strings]", VERIF),
            Self::StringUsed => (None, "each string is used", "INF Strings Section"),
            Self::ClassInstall => (Some(1285), "a class of Microsoft's has no [ClassInstall32]", VERIF),
            Self::Devices => (Some(1297), "[Manufacturer] leads to at least one hardware id", VERIF),
            Self::HardwareIds => {
                (None, "each hardware id has an enumerator and stands once", "INF Models Section")
            }
            Self::Service => {
                (Some(1296), "each install section has a .Services section with one function driver", VERIF)
            }
            Self::ServiceComplete => (
                None,
                "a service has ServiceType, StartType, ErrorControl and ServiceBinary",
                "INF AddService Directive",
            ),
            Self::Legacy => (Some(1300), "no directive or section of a retired kind", VERIF),
            Self::CoInstallers => (Some(1303), "no co-installer is registered", VERIF),
            Self::RelativeKeys => (Some(1304), "registry values are written below HKR", VERIF),
            Self::ServicesKey => (Some(1221), "the services' registry key is not written directly", VERIF),
            Self::AppendedList => (Some(1305), "no value is appended to a REG_MULTI_SZ", VERIF),
            Self::SourceFile => (
                Some(1230),
                "each file has a line in [SourceDisksFiles] with a disk of [SourceDisksNames]",
                VERIF,
            ),
            Self::SourceUsed => {
                (None, "each file of [SourceDisksFiles] is copied", "INF SourceDisksFiles Section")
            }
            Self::DriverStore => {
                (Some(1306), "each file is copied to DIRID 13 and the service runs from there", ISOLATION)
            }
            Self::SameName => (Some(1100), "a file of the driver store keeps its name and its folder", VERIF),
            Self::TargetVersion => (
                Some(1199),
                "models that use DIRID 13 are limited to build 16299 or later",
                "InfVerif error code 1199",
            ),
            Self::Conflicts => {
                (Some(1330), "no two sections write one file, value or service differently", VERIF)
            }
            Self::FeatureScore => (
                None,
                "each install section has a FeatureScore of two hexadecimal digits",
                "Setting the Driver Feature Score",
            ),
            Self::UserDrivers => (
                None,
                "UserModeDriverName and UserModeDriverNameWow name three DLLs in DIRID 13, the third for Direct3D 11",
                "Enabling Support for the Direct3D Version 11 DDI",
            ),
            Self::InstalledDrivers => (
                None,
                "InstalledDisplayDrivers names each user-mode driver without its extension",
                "Adding User-Mode Display Driver Names to the Registry",
            ),
        };
        About { code, sentence, source }
    }
}
