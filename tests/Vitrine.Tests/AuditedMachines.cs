using System.Runtime.CompilerServices;

namespace Vitrine.Tests;

/// <summary>Every machine of these tests is looked through at its end: a test whose machine leaks or can't rest fails.</summary>
internal static class AuditedMachines
{
    [ModuleInitializer]
    internal static void SwitchOn() => AppContext.SetSwitch("Vitrine.Audit", true);
}
