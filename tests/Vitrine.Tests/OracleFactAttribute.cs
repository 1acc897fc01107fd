namespace Vitrine.Tests;

/// <summary>A test that needs programs of the host as its judge; without them it is skipped and says so.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class OracleFactAttribute : FactAttribute
{
    public OracleFactAttribute(params string[] programs)
    {
        string[] missing = [.. programs.Where(p => !HostRun.Has(p))];
        if (missing.Length > 0)
            Skip = "not installed: " + string.Join(", ", missing);
    }
}
