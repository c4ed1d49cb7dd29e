//! What a message advises, in the words of a cloud's calls: they have parameters where the command line has flags.

use model::Cloud;

/// The advice to log in; the registry and a backtick follow.
const LOGIN: &str = "log in with `imc login ";

struct Parameters {
    plain_http: &'static str,
    insecure: &'static str,
    credentials: &'static str,
}

fn parameters(cloud: Cloud) -> Parameters {
    match cloud {
        Cloud::Alibaba => Parameters {
            plain_http: "PlainHttpRegistry",
            insecure: "InsecureRegistry",
            credentials: "ImageRegistryCredential",
        },
        Cloud::Tencent => Parameters {
            plain_http: "RegistryHttpEndPointList",
            insecure: "RegistrySkipVerifyList",
            credentials: "ImageRegistryCredentials",
        },
    }
}

/// The same, with that cloud's parameters for our flags and commands.
pub(super) fn by_parameters(cloud: Cloud, message: &str) -> String {
    let Parameters { plain_http, insecure, credentials } = parameters(cloud);
    let told = message.replace("--plain-http", plain_http).replace("--insecure-registry", insecure);
    let login = told.split_once(LOGIN).and_then(|(before, from)| Some((before, from.split_once('`')?)));
    match login {
        Some((before, (_, behind))) => format!("{before}give them as {credentials}{behind}"),
        None => told,
    }
}

#[cfg(test)]
mod tests {
    use registry::Fault;

    use super::*;

    #[test]
    fn advice_names_the_parameters_of_the_call() {
        let unauthorized = Fault::Unauthorized {
            registry: "r.example".to_owned(),
            service: None,
            detail: "none that fit were given",
        };
        let tls = Fault::TlsExpected { host: "r.example".to_owned() };
        for (fault, cloud, expected) in [
            (
                &unauthorized,
                Cloud::Alibaba,
                "(none that fit were given); give them as ImageRegistryCredential",
            ),
            (
                &unauthorized,
                Cloud::Tencent,
                "(none that fit were given); give them as ImageRegistryCredentials",
            ),
            (&tls, Cloud::Alibaba, "take it off the PlainHttpRegistry list"),
            (&tls, Cloud::Tencent, "take it off the RegistryHttpEndPointList list"),
        ] {
            let told = by_parameters(cloud, &fault.to_string());
            assert!(told.ends_with(expected), "{told}");
        }
        assert_eq!(by_parameters(Cloud::Alibaba, "log in with `imc login "), "log in with `imc login ");
    }
}
