//! Who sends a request, as the API server would name them.

use std::collections::BTreeMap;

use x509_parser::prelude::{FromDer, X509Certificate};

/// The group of everybody who is known at all. Role bindings name it.
const AUTHENTICATED: &str = "system:authenticated";
const ANONYMOUS: &str = "system:anonymous";

/// An authenticated user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct User {
    pub name: String,
    /// Empty where the credentials carry none.
    pub uid: String,
    pub groups: Vec<String>,
    pub extra: BTreeMap<String, Vec<String>>,
}

impl User {
    /// The user that a client certificate names: common name and organizations. `None` where it names nobody.
    ///
    /// Of several common names the last counts, as in Go, so that we and the API server see the same user.
    pub(crate) fn of_certificate(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let subject = certificate.subject();
        let name = subject.iter_common_name().last()?.as_str().ok()?;
        let groups = subject.iter_organization().map(|group| group.as_str());
        let groups = groups.collect::<Result<Vec<_>, _>>().ok()?;
        let user = Self {
            name: name.to_owned(),
            groups: groups.into_iter().map(str::to_owned).collect(),
            ..Self::default()
        };
        (!user.name.is_empty()).then(|| user.in_authenticated())
    }

    /// Adds the group of all authenticated users, which neither certificates nor every token webhook name.
    pub(crate) fn in_authenticated(mut self) -> Self {
        if self.name != ANONYMOUS && !self.groups.iter().any(|group| group == AUTHENTICATED) {
            self.groups.push(AUTHENTICATED.to_owned());
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::*;

    fn certificate(subject: &[(DnType, &str)]) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        for (kind, value) in subject {
            params.distinguished_name.push(kind.clone(), *value);
        }
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn common_name_is_the_user_and_organization_the_group() {
        let der = certificate(&[(DnType::OrganizationName, "system:masters"), (DnType::CommonName, "admin")]);
        let user = User::of_certificate(&der).unwrap();
        assert_eq!(user.name, "admin");
        assert_eq!(user.groups, ["system:masters", "system:authenticated"]);
    }

    #[test]
    fn a_certificate_without_a_common_name_names_nobody() {
        assert_eq!(User::of_certificate(&certificate(&[(DnType::OrganizationName, "system:masters")])), None);
        assert_eq!(User::of_certificate(&certificate(&[(DnType::CommonName, "")])), None);
        assert_eq!(User::of_certificate(b"no certificate"), None);
    }
}
