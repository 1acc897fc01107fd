using System.Reflection;

namespace Vitrine.Tests;

/// <summary>Where the sources and build results are.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    public static string Artifacts { get; } = Directory.CreateDirectory(Path.Combine(Root, "artifacts")).FullName;

    public static string PathOf(params string[] parts) => Path.Combine([Root, .. parts]);

    private static string FindRoot()
    {
        foreach (AssemblyMetadataAttribute attribute in typeof(Repository).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>())
        {
            if (attribute.Key == "RepositoryRoot")
                return attribute.Value!;
        }

        throw new InvalidOperationException("the build has left out the repository's place");
    }
}
