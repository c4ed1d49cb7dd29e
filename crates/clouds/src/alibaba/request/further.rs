//! What the SDKs can say of a container group beside what it runs: where the machine comes from, its addresses, what it costs, and what of the
//! kernel it sees.
//!
//! What would change what runs, or what it may do, is refused by name where it is said; the rest is checked and kept.

use super::container_group::CreateContainerGroup;
use super::text::{FreeName, ResourceId};
use crate::alibaba::error::{ErrorCode, Refusal};
use crate::alibaba::parameters::Fields;

const MOST_MEMBERS: usize = 100;
const MOST: u32 = i32::MAX.unsigned_abs();

/// The further parameters that were given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Further {
    /// Those that are kept, by the cloud's names.
    pub recorded: Vec<(&'static str, String)>,
    /// The first of those that are needed and not supported.
    pub unsupported: Option<&'static str>,
}

impl Further {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, Refusal> {
        let mut further = Self::default();
        further.read_refused(fields)?;
        further.read_machine(fields)?;
        further.read_addresses(fields)?;
        further.read_price(fields)?;
        Ok(further)
    }

    /// What a container sees or may use.
    fn read_refused(&mut self, fields: &Fields<'_>) -> Result<(), Refusal> {
        for (part, name) in [
            ("SecurityContext", "SecurityContext.Sysctl"),
            ("HostSecurityContext", "HostSecurityContext.Sysctl"),
        ] {
            let given = fields.object(part, |context| {
                context.objects("Sysctl", MOST_MEMBERS, |sysctl| {
                    Ok((sysctl.required::<ResourceId>("Name")?, sysctl.parsed::<FreeName>("Value")?))
                })
            })?;
            self.refuse(name, given.is_some_and(|given| !given.is_empty()));
        }
        self.refuse("ShareProcessNamespace", fields.flag("ShareProcessNamespace")?);
        self.refuse("ContainerResourceView", fields.flag("ContainerResourceView")?);
        self.refuse("CorePattern", fields.parsed::<FreeName>("CorePattern")?.is_some());
        // Whoever is given a role reads its credentials from a service of the cloud's that is not there.
        self.refuse("RamRoleName", fields.parsed::<ResourceId>("RamRoleName")?.is_some());
        // A bucket is seen inside as volumes.
        self.refuse("DataCacheBucket", fields.parsed::<FreeName>("DataCacheBucket")?.is_some());
        // Bounds that nobody keeps to are none. 0 is none.
        for name in ["IngressBandwidth", "EgressBandwidth"] {
            self.refuse(name, fields.number(name, 0..=i64::MAX)?.is_some_and(|bits| bits > 0));
        }
        Ok(())
    }

    /// Of which machine it is a part.
    fn read_machine(&mut self, fields: &Fields<'_>) -> Result<(), Refusal> {
        for name in ["CpuOptionsCore", "CpuOptionsThreadsPerCore", "DataCacheProvisionedIops"] {
            self.keep(name, fields.number(name, 0..=MOST)?);
        }
        for name in ["CpuOptionsNuma", "GpuDriverVersion", "DataCachePL"] {
            self.keep(name, fields.parsed::<FreeName>(name)?);
        }
        self.keep("DataCacheBurstingEnabled", fields.boolean("DataCacheBurstingEnabled")?);
        const OVERHEAD: &str = "OverheadReservationOption.EnableOverheadReservation";
        let reserved = fields
            .object("OverheadReservationOption", |option| option.boolean("EnableOverheadReservation"))?;
        self.keep(OVERHEAD, reserved.flatten());
        let categories: Vec<ResourceId> = fields.list("ComputeCategory", MOST_MEMBERS)?;
        let categories: Vec<&str> = categories.iter().map(ResourceId::as_str).collect();
        self.keep("ComputeCategory", (!categories.is_empty()).then(|| categories.join(",")));
        self.keep("ScheduleStrategy", fields.parsed::<ResourceId>("ScheduleStrategy")?);
        Ok(())
    }

    /// Where it is in the cloud's networks.
    fn read_addresses(&mut self, fields: &Fields<'_>) -> Result<(), Refusal> {
        self.keep("PrivateIpAddress", fields.parsed::<std::net::Ipv4Addr>("PrivateIpAddress")?);
        self.keep("FixedIp", fields.parsed::<ResourceId>("FixedIp")?);
        self.keep("FixedIpRetainHour", fields.number("FixedIpRetainHour", 0..=MOST)?);
        self.keep("Ipv6AddressCount", fields.number("Ipv6AddressCount", 0..=MOST)?);
        self.keep("Ipv6GatewayBandwidthEnable", fields.boolean("Ipv6GatewayBandwidthEnable")?);
        self.keep("Ipv6GatewayBandwidth", fields.parsed::<ResourceId>("Ipv6GatewayBandwidth")?);
        Ok(())
    }

    /// What it costs, and when it may be taken away for that.
    fn read_price(&mut self, fields: &Fields<'_>) -> Result<(), Refusal> {
        self.keep("SpotStrategy", fields.parsed::<ResourceId>("SpotStrategy")?);
        self.keep("SpotPriceLimit", fields.quantity("SpotPriceLimit")?);
        self.keep("SpotDuration", fields.number("SpotDuration", 0..=MOST)?);
        self.keep("StrictSpot", fields.boolean("StrictSpot")?);
        Ok(())
    }

    fn keep(&mut self, name: &'static str, value: Option<impl ToString>) {
        self.recorded.extend(value.map(|value| (name, value.to_string())));
    }

    fn refuse(&mut self, name: &'static str, is_needed: bool) {
        self.unsupported = self.unsupported.or(is_needed.then_some(name));
    }
}

impl CreateContainerGroup {
    /// Refuses a group by the name of what it needs further and nobody here has.
    ///
    /// # Errors
    /// [`ErrorCode::UnsupportedParameter`].
    pub fn check_further(&self) -> Result<(), Refusal> {
        match self.further.unsupported {
            None => Ok(()),
            Some(name) => {
                let message = format!("The specified parameter \"{name}\" is not supported.");
                Err(Refusal::new(ErrorCode::UnsupportedParameter).saying(&message))
            }
        }
    }
}
