using System.Runtime.CompilerServices;

namespace Vitrine.Tests;

/// <summary>
/// VITRINE_ENGINE (interpreter or translator) lets all of these tests run by one engine: machines of the API by a switch of
/// this process, the command by the variable itself, which it inherits.
/// </summary>
internal static class TestedEngine
{
    public const string Variable = "VITRINE_ENGINE";

    /// <summary>The engine that the whole run is to use; null if each test has its own.</summary>
    public static ProcessorEngine? Only { get; } = Environment.GetEnvironmentVariable(Variable) switch
    {
        null or "" => null,
        "interpreter" => ProcessorEngine.Interpreter,
        "translator" => ProcessorEngine.Translator,
        var other => throw new InvalidOperationException($"{Variable} is '{other}'"),
    };

    [ModuleInitializer]
    internal static void Choose() => AppContext.SetSwitch("Vitrine.Interpreter", Only == ProcessorEngine.Interpreter);
}
