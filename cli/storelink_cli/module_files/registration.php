<?php
/**
 * Registers the module.
 */
use Magento\Framework\Component\ComponentRegistrar;

ComponentRegistrar::register(ComponentRegistrar::MODULE, '$module', __DIR__);
