using System.Runtime.CompilerServices;

namespace Vitrine.Kernel;

/// <summary>
/// Numbers for kernel objects that programs may put in an order without seeing where they lie (kcmp(2)): given when first
/// asked for, so that they tell nothing of the host and are the same in every deterministic run.
/// </summary>
internal sealed class ObjectNumbers
{
    private readonly ConditionalWeakTable<object, StrongBox<long>> _numbers = [];
    private long _last;

    public long Of(object subject)
    {
        if (!_numbers.TryGetValue(subject, out StrongBox<long>? number))
        {
            number = new StrongBox<long>(++_last);
            _numbers.Add(subject, number);
        }

        return number.Value;
    }
}
