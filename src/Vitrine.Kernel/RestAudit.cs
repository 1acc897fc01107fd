using System.Collections;
using System.Reflection;
using System.Runtime.CompilerServices;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel;

/// <summary>
/// What must be true of a machine at rest (<see cref="Freezer"/>): all of its state lies in fields. No task is inside a
/// call, and nothing that a task refers to is a suspended method or a closure.
/// </summary>
internal static class RestAudit
{
    /// <summary>Adds what is wrong to a list. Under the kernel lock, at rest.</summary>
    public static void Run(KernelInstance kernel, List<string> found)
    {
        var seen = new HashSet<object>(ReferenceEqualityComparer.Instance);
        foreach (ThreadGroup group in kernel.Tasks.All)
        {
            foreach (Task thread in group.Threads)
            {
                if (thread.Path != KernelPath.None || thread.HasContinuation || thread.OnProcessor is not null)
                    found.Add($"{thread} is {thread.State} with path {thread.Path}");
                if (thread.SleepEntry.Queue is not null)
                    found.Add($"{thread} is on a wait queue");
                FindCode(new Place(thread, thread.ToString(), null), seen, found);
            }
        }
    }

    /// <summary>Walks all that an object refers to and has not been seen, and names what holds code instead of data.</summary>
    private static void FindCode(Place root, HashSet<object> seen, List<string> found)
    {
        var todo = new Stack<Place>();
        todo.Push(root);
        while (todo.TryPop(out Place? at))
        {
            Type type = at.Value.GetType();
            if (type.IsPrimitive || type == typeof(string) || type.IsPointer || at.Value is Type or MemberInfo or Thread)
                continue;
            if (!type.IsValueType && !seen.Add(at.Value))
                continue;
            if (IsCode(at.Value, type))
                found.Add($"{at} is {type.FullName}");

            // The machine as a whole belongs to the host's side too: its callbacks are not a task's state.
            else if (at.Value is not (KernelInstance or Processor or Delegate or Vitrine.Cpu.VirtualProcessor))
                PushParts(at, type, todo);
        }
    }

    private static bool IsCode(object value, Type type) =>
        value is IAsyncStateMachine
        || type.Name.Contains("KTaskBox", StringComparison.Ordinal)
        || type.Name.Contains("DisplayClass", StringComparison.Ordinal);

    private static void PushParts(Place at, Type type, Stack<Place> todo)
    {
        if (at.Value is Array array)
        {
            if (type.GetElementType()!.IsPrimitive)
                return;
            foreach (object? element in (IEnumerable)array)
            {
                if (element is not null)
                    todo.Push(new Place(element, "[]", at));
            }

            return;
        }

        for (Type? t = type; t is not null && t != typeof(object); t = t.BaseType)
        {
            foreach (FieldInfo field in t.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            {
                if (field.FieldType.IsPointer || field.FieldType.IsByRefLike || field.FieldType.IsPrimitive)
                    continue;
                if (field.GetValue(at.Value) is { } part)
                    todo.Push(new Place(part, "." + field.Name, at));
            }
        }
    }

    /// <summary>An object, and by which fields the walk came to it.</summary>
    private sealed record Place(object Value, string Step, Place? From)
    {
        public override string ToString() => From + Step;
    }
}
